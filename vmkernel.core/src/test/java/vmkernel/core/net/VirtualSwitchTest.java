package vmkernel.core.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static vmkernel.core.net.Frames.A;
import static vmkernel.core.net.Frames.B;
import static vmkernel.core.net.Frames.C;
import static vmkernel.core.net.Frames.FAR;
import static vmkernel.core.net.Frames.GROUP;
import static vmkernel.core.net.Frames.frame;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.Network;
import vmkernel.api.net.ReceiveFilter;

/** What a virtual switch passes on, and to whom. */
@Timeout(60)
class VirtualSwitchTest {
    @TempDir
    Path home;
    private final Uplinks uplinks = new Uplinks();
    private Networks networks;
    private final FakeNic nic = new FakeNic();
    /** Frames that each port got. */
    private final Map<Port, List<byte[]>> got = new HashMap<>();
    /** What is to run for ports. */
    private final List<Runnable> tasks = new ArrayList<>();

    @AfterEach
    void stop() { if (networks != null) networks.close(); }

    private Networks networks() {
        if (networks == null) networks = new Networks(uplinks, home);
        return networks;
    }

    /** The switch around vmnic0. */
    private VirtualSwitch outer() {
        uplinks.adapter("vmnic0").attached(nic);
        return networks().network("vmnic0");
    }

    private Port port(VirtualSwitch network, MacAddress address) { return port(network, address, true); }

    private Port port(VirtualSwitch network, MacAddress address, boolean forging) {
        Port port = network.join(new Port.Plug(101, "vm " + address, address, forging, tasks::add));
        got.put(port, new ArrayList<>());
        port.sink(got.get(port)::addAll);
        return port;
    }

    /** Numbers of the frames that a port got since it was asked last. */
    private List<Integer> got(Port port) {
        while (!tasks.isEmpty()) tasks.remove(0).run();
        List<Integer> numbers = Frames.numbers(got.get(port));
        got.get(port).clear();
        return numbers;
    }

    private List<Integer> sent(FakeNic from) {
        List<Integer> numbers = Frames.numbers(from.sent);
        from.sent.clear();
        return numbers;
    }

    @Test
    void aFrameForAPortGoesThereAndNowhereElse() {
        VirtualSwitch network = outer();
        Port a = port(network, A);
        Port b = port(network, B);
        Port c = port(network, C);
        a.transmit(List.of(frame(B, A, 1)));
        assertEquals(List.of(), got.get(b), "never on the sender's thread");
        assertEquals(List.of(1), got(b));
        assertEquals(List.of(), got(c));
        assertEquals(List.of(), sent(nic));
        a.transmit(List.of(frame(A, A, 2)));
        assertEquals(List.of(), got(a));
        assertEquals(List.of(), sent(nic));
    }

    @Test
    void anUnknownAddressIsOutsideAndOnAPrivateNetworkNowhere() {
        Port a = port(outer(), A);
        a.transmit(List.of(frame(FAR, A, 1)));
        assertEquals(List.of(1), sent(nic));
        VirtualSwitch inner = networks().network("vmnet_0");
        Port first = port(inner, A);
        Port second = port(inner, B);
        first.transmit(List.of(frame(FAR, A, 2), frame(B, A, 3)));
        assertEquals(List.of(3), got(second));
        assertEquals(List.of(), sent(nic));
        assertTrue(second.link().up());
    }

    @Test
    void aMixedListKeepsItsOrderOnEveryWay() {
        VirtualSwitch network = outer();
        Port a = port(network, A);
        Port b = port(network, B);
        Port c = port(network, C);
        Random random = new Random(1);
        MacAddress[] to = {B, C, FAR, MacAddress.BROADCAST};
        List<List<Integer>> expected = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (int round = 0; round < 200; round++) {
            List<byte[]> frames = new ArrayList<>();
            for (int i = random.nextInt(10); i >= 0; i--) {
                int way = random.nextInt(4);
                int number = random.nextInt();
                frames.add(frame(to[way], A, number));
                if (way < 3) expected.get(way).add(number); else expected.forEach(list -> list.add(number));
            }
            a.transmit(frames);
            assertEquals(expected, List.of(got(b), got(c), sent(nic)));
            expected.forEach(List::clear);
        }
    }

    @Test
    void groupsGoToThoseWhoWantThem() {
        VirtualSwitch network = outer();
        Port a = port(network, A);
        Port b = port(network, B);
        Port c = port(network, C);
        a.transmit(List.of(frame(MacAddress.BROADCAST, A, 1), frame(GROUP, A, 2)));
        b.filter(B, new ReceiveFilter(false, false, Set.of(GROUP)));
        c.filter(C, new ReceiveFilter(false, true, Set.of()));
        a.transmit(List.of(frame(GROUP, A, 3), frame(MacAddress.parse("01:00:5e:00:00:02"), A, 4)));
        assertEquals(List.of(1, 3), got(b));
        assertEquals(List.of(1, 3, 4), got(c));
        assertEquals(List.of(1, 2, 3, 4), sent(nic));
        assertEquals(List.of(), got(a));
    }

    @Test
    void whatComesFromOutsideGoesToThePortsOnly() {
        VirtualSwitch network = outer();
        Port a = port(network, A);
        Port b = port(network, B);
        uplinks.adapter("vmnic0").received(List.of(frame(A, FAR, 1), frame(C, FAR, 2), frame(MacAddress.BROADCAST, FAR, 3), frame(B, FAR, 4), new byte[5]));
        assertEquals(List.of(1, 3), got(a));
        assertEquals(List.of(3, 4), got(b));
        assertEquals(List.of(), sent(nic));
    }

    @Test
    void aPromiscuousPortHearsEverythingIfThePolicyAllowsIt() {
        VirtualSwitch network = outer();
        Port a = port(network, A);
        Port b = port(network, B);
        Port c = port(network, C);
        c.filter(C, ReceiveFilter.EVERYTHING);
        List<byte[]> frames = List.of(frame(B, A, 1), frame(FAR, A, 2), frame(C, A, 3), frame(GROUP, A, 4));
        a.transmit(frames);
        assertEquals(List.of(3, 4), got(c));
        network.promiscuousAllowed(true);
        a.transmit(frames);
        assertEquals(List.of(1, 2, 3, 4), got(c));
        uplinks.adapter("vmnic0").received(List.of(frame(FAR, B, 5)));
        assertEquals(List.of(5), got(c));
        network.promiscuousAllowed(false);
        a.transmit(frames);
        assertEquals(List.of(3, 4), got(c));
        assertEquals(List.of(1, 1, 1), got(b));
    }

    @Test
    void forgedAddressesAreDroppedAndCountedWhereTheyAreForbidden() {
        VirtualSwitch network = outer();
        Port honest = port(network, A, false);
        Port free = port(network, B, true);
        honest.filter(C, ReceiveFilter.OWN);
        honest.transmit(List.of(frame(FAR, C, 1), frame(FAR, A, 2)));
        free.transmit(List.of(frame(FAR, C, 3)));
        assertEquals(List.of(2, 3), sent(nic));
        assertEquals(1L, honest.counters().get("droppedTx"));
        uplinks.adapter("vmnic0").received(List.of(frame(C, FAR, 4), frame(A, FAR, 5)));
        assertEquals(List.of(5), got(honest));
        free.filter(C, ReceiveFilter.OWN);
        uplinks.adapter("vmnic0").received(List.of(frame(C, FAR, 6), frame(B, FAR, 7)));
        assertEquals(List.of(6), got(free));
    }

    @Test
    void framesOfTheWrongLengthAreDropped() {
        Port a = port(outer(), A);
        a.transmit(List.of(new byte[0], new byte[13], java.util.Arrays.copyOf(frame(FAR, A, 1), 1519), java.util.Arrays.copyOf(frame(FAR, A, 2), 1518)));
        assertEquals(List.of(2), sent(nic));
        assertEquals(3L, a.counters().get("droppedTx"));
    }

    @Test
    void framesWaitForTheSinkAndTheRestIsDropped() {
        VirtualSwitch network = outer();
        Port a = port(network, A);
        Port b = port(network, B);
        b.sink(null);
        a.transmit(Frames.frames(B, A, 0, Port.QUEUE + 10));
        assertEquals(List.of(), got(b));
        b.sink(got.get(b)::addAll);
        assertEquals(Port.QUEUE, got(b).size());
        assertEquals(Map.of("totPktsTx", 0L, "totKBTx", 0L, "totPktsRx", (long) Port.QUEUE, "totKBRx", 32L, "droppedTx", 0L, "droppedRx", 10L), b.counters());
        assertEquals(Port.QUEUE + 10L, a.counters().get("totPktsTx"));
    }

    @Test
    void theAdapterListensToEverythingWhileThereArePorts() {
        VirtualSwitch network = outer();
        assertEquals(ReceiveFilter.OWN, nic.filter);
        Port a = port(network, A);
        assertEquals(ReceiveFilter.EVERYTHING, nic.filter);
        a.close();
        assertEquals(ReceiveFilter.OWN, nic.filter);
        uplinks.adapter("vmnic0").received(List.of(frame(A, FAR, 1)));
        assertEquals(List.of(), got(a));
    }

    @Test
    void aSwitchHas32PortsAndEachItsOwnAddress() {
        VirtualSwitch network = networks().network("vmnet_7");
        List<Port> ports = new ArrayList<>();
        for (int i = 0; i < 32; i++) ports.add(port(network, new MacAddress(0x0050_5600_0100L + i)));
        assertEquals("all 32 ports of vmnet_7 are in use", assertThrows(IllegalArgumentException.class, () -> port(network, A)).getMessage());
        ports.get(4).close();
        String taken = assertThrows(IllegalArgumentException.class, () -> port(network, new MacAddress(0x0050_5600_0105L))).getMessage();
        assertEquals("address 00:50:56:00:01:05 is used already on vmnet_7 by vm 00:50:56:00:01:05", taken);
        assertEquals(4, port(network, A).number());
    }

    @Test
    void thereAreOnlyTheNetworksThatThereAre() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> networks().network("vmnic0")).getMessage().contains("there are no network adapters and any vmnet_N"));
        outer();
        assertTrue(assertThrows(IllegalArgumentException.class, () -> networks().network("eth0")).getMessage().contains("there are vmnic0 and any vmnet_N"));
    }

    @Test
    void theHostHasPortsToo() throws Exception {
        Port a = port(outer(), A);
        java.util.concurrent.BlockingQueue<byte[]> heard = new java.util.concurrent.LinkedBlockingQueue<>();
        try (Network.HostPort host = networks().connect("vmnic0", "test", B, heard::addAll)) {
            a.transmit(Frames.frames(B, A, 0, 100));
            for (int i = 0; i < 100; i++) assertEquals(i, Frames.number(heard.take()));
            host.transmit(List.of(frame(A, B, 7)));
            assertEquals(List.of(7), got(a));
            assertEquals(List.of("vm 00:50:56:00:00:0a", "test"), networks().switches().get(0).ports().stream().map(Network.Port::owner).toList());
        }
        assertEquals(1, networks().switches().get(0).ports().size());
    }

    // Teams.

    private final FakeNic[] nics = {new FakeNic(), new FakeNic()};

    private VirtualSwitch team(String more) throws Exception {
        Files.createDirectories(home.resolve("etc/vmware"));
        Files.writeString(home.resolve("etc/vmware/hwconfig"), "device.vmnix.6.14.0.options = \"x=0\"\nnicteam.vmnic0.team = \"bond0\"\nnicteam.vmnic1.team = \"bond0\"\n" + more);
        for (int i = 0; i < 2; i++) uplinks.adapter("vmnic" + i).attached(nics[i]);
        return networks().network("bond0");
    }

    @Test
    void aTeamBalancesByAddressAndFailsOver() throws Exception {
        VirtualSwitch network = team("");
        List<Port> ports = new ArrayList<>();
        for (int i = 0; i < 32; i++) ports.add(port(network, new MacAddress(0x0050_5600_0100L + i)));
        for (Port port : ports) for (int i = 0; i < 3; i++) port.transmit(List.of(frame(FAR, port.address(), port.number())));
        List<Integer> first = sent(nics[0]);
        List<Integer> second = sent(nics[1]);
        assertEquals(96, first.size() + second.size());
        assertTrue(first.size() > 18 && second.size() > 18, first.size() + " and " + second.size());
        assertTrue(java.util.Collections.disjoint(first, second), "an address is at one adapter");
        uplinks.adapter("vmnic0").linkChanged(LinkState.DOWN);
        assertTrue(ports.get(0).link().up());
        for (Port port : ports) port.transmit(List.of(frame(FAR, port.address(), port.number())));
        assertEquals(List.of(), sent(nics[0]));
        assertEquals(32, sent(nics[1]).size());
        uplinks.adapter("vmnic1").gone();
        assertFalse(ports.get(0).link().up());
        uplinks.adapter("vmnic0").linkChanged(FakeNic.UP);
        for (Port port : ports) port.transmit(List.of(frame(FAR, port.address(), port.number())));
        assertEquals(32, sent(nics[0]).size());
    }

    @Test
    void aBroadcastThatComesThroughAllAdaptersOfATeamIsHeardOnce() throws Exception {
        VirtualSwitch network = team("");
        Port a = port(network, A);
        Port b = port(network, B);
        for (int i = 0; i < 2; i++) uplinks.adapter("vmnic" + i).received(List.of(frame(MacAddress.BROADCAST, FAR, 1)));
        assertEquals(List.of(1), got(a));
        assertEquals(List.of(1), got(b));
        for (int i = 0; i < 2; i++) uplinks.adapter("vmnic" + i).received(List.of(frame(MacAddress.BROADCAST, A, 2))); // its own, come back
        assertEquals(List.of(), got(b));
    }

    @Test
    void aTeamPrefersItsHomeLink() throws Exception {
        VirtualSwitch network = team("nicteam.bond0.home_link = \"vmnic1\"\n");
        for (int i = 0; i < 8; i++) port(network, new MacAddress(0x0050_5600_0100L + i)).transmit(List.of(frame(FAR, A, i)));
        assertEquals(8, sent(nics[1]).size());
        uplinks.adapter("vmnic1").linkChanged(LinkState.DOWN);
        network.ports().get(0).transmit(List.of(frame(FAR, A, 1)));
        assertEquals(1, sent(nics[0]).size());
        assertEquals("is in the team bond0; use that", assertThrows(IllegalArgumentException.class, () -> networks().network("vmnic0")).getMessage());
    }
}
