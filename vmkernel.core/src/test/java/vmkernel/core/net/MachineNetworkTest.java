package vmkernel.core.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.net.SwitchPort;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.core.vmx.Identity;

/** Network adapters of a .vmx file. */
@Timeout(60)
class MachineNetworkTest {
    @TempDir
    Path home;
    private final Uplinks uplinks = new Uplinks();
    private Networks networks;

    @AfterEach
    void stop() { if (networks != null) networks.close(); }

    private VmConfig config(String... keysAndValues) {
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) values.put(keysAndValues[i], keysAndValues[i + 1]);
        return new VmConfig(home.resolve("web.vmx"), values);
    }

    private SwitchPort open(String... keysAndValues) throws Exception { return open(Identity.settled(config(keysAndValues), "host")); }

    private SwitchPort open(VmConfig config) throws VmException {
        if (networks == null) networks = new Networks(uplinks, home);
        return new MachineNetwork(networks, config, "web", 101).open("ethernet0", Runnable::run);
    }

    private String refused(String... keysAndValues) {
        String line = assertThrows(VmException.class, () -> open(keysAndValues)).getMessage();
        assertFalse(line.contains("\n"));
        return line;
    }

    @Test
    void aGeneratedAddressComesFromTheUuidAndStays() throws Exception {
        VmConfig first = Identity.settled(config("ethernet0.present", "TRUE", "Ethernet1.present", "TRUE", "ethernet2.present", "FALSE"), "host");
        String uuid = first.text("uuid.bios", "");
        assertTrue(uuid.matches("56 4d( [0-9a-f]{2}){6}-([0-9a-f]{2} ){7}[0-9a-f]{2}"), uuid);
        assertEquals(uuid, first.text("uuid.location", ""));
        long last = Long.parseLong(uuid.substring(uuid.length() - 8).replace(" ", ""), 16);
        assertEquals(0x000C_2900_0000L + last, Identity.address(first, "ethernet0").bits());
        assertEquals(0x000C_2900_0000L + (last + 10 & 0xFF_FFFF), Identity.address(first, "ethernet1").bits());
        assertEquals("10", first.text("ethernet1.generatedAddressOffset", ""));
        assertTrue(first.text("ethernet2.generatedAddress").isEmpty());
        assertSame(first, Identity.settled(first, "host"), "nothing is written again");
        assertNotEquals(uuid, Identity.settled(config("ethernet0.present", "TRUE"), "another").text("uuid.bios", ""));
    }

    @Test
    void aMovedConfigurationGetsANewAddressUnlessItKeepsItsUuid() throws Exception {
        VmConfig first = Identity.settled(config("ethernet0.present", "TRUE"), "host");
        VmConfig copy = new VmConfig(home.resolve("copy.vmx"), first.values());
        VmConfig second = Identity.settled(copy, "host");
        assertNotEquals(first.text("uuid.bios"), second.text("uuid.bios"));
        assertNotEquals(Identity.address(first, "ethernet0"), Identity.address(second, "ethernet0"));
        VmConfig kept = Identity.settled(copy.with("uuid.action", "keep"), "host");
        assertEquals(first.text("uuid.bios"), kept.text("uuid.bios"));
        assertEquals(second.text("uuid.location"), kept.text("uuid.location"));
        assertEquals(Identity.address(first, "ethernet0"), Identity.address(kept, "ethernet0"));
    }

    @Test
    void aMachineWithoutAGeneratedAddressIsLeftAlone() throws Exception {
        VmConfig config = config("memsize", "4", "ethernet0.present", "TRUE", "ethernet0.addressType", "static", "ethernet0.address", "00:50:56:00:00:01");
        assertSame(config, Identity.settled(config, "host"));
    }

    @Test
    void addressesOutOfTheirRangeAreRefused() {
        assertTrue(refused("ethernet0.present", "TRUE", "ethernet0.address", "00:50:56:40:00:00", "ethernet0.devName", "vmnet_0")
            .endsWith("ethernet0.address = \"00:50:56:40:00:00\": a static address is 00:50:56:00:00:00 to 00:50:56:3f:ff:ff"));
        assertTrue(refused("ethernet0.present", "TRUE", "ethernet0.addressType", "static").contains("six hexadecimal bytes"));
        assertTrue(refused("ethernet0.present", "TRUE", "ethernet0.addressType", "vpx", "ethernet0.address", "00:50:56:00:00:00").contains("VirtualCenter"));
        assertTrue(refused("ethernet0.present", "TRUE", "ethernet0.addressType", "random").contains("generated, static or vpx is needed"));
    }

    @Test
    void anAdapterIsPluggedIntoTheNetworkThatItNames() throws Exception {
        Files.createDirectories(home.resolve("etc/vmware"));
        Files.writeString(home.resolve("etc/vmware/netmap.conf"), "network0.name = \"Production\"\nnetwork0.device = \"vmnic0\"\n");
        uplinks.adapter("vmnic0").attached(new FakeNic());
        String[] address = {"ethernet0.present", "TRUE", "ethernet0.address", "00:50:56:00:00:01"};
        Port port = (Port) open(config(address[0], address[1], address[2], address[3]));
        assertEquals("vmnic0 web ethernet0 101", port.network() + " " + port.owner() + " " + port.machine());
        assertEquals("ethernet0.devName is not set, and for vmnic0: address 00:50:56:00:00:01 is used already on vmnic0 by web ethernet0", refused(address));
        port.close();
        port = (Port) open(config(address).with("ethernet0.networkName", "Production"));
        assertEquals("vmnic0", port.network());
        port.close();
        assertEquals("vmnet_3", ((Port) open(config(address).with("ethernet0.devName", "vmnet_3"))).network());
        VmConfig unknown = config(address).with("ethernet0.networkName", "Test");
        assertEquals("ethernet0.networkName = \"Test\": there is no network of this name in etc/vmware/netmap.conf; there are Production",
            assertThrows(VmException.class, () -> open(unknown)).getMessage());
    }
}
