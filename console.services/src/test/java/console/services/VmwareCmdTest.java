package console.services;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;

class VmwareCmdTest {
    @TempDir Path home;
    private VmwareCmd command;
    private String config;

    @BeforeEach
    void aMachineThatIsOff() {
        BundleContext context = fake(BundleContext.class, "getProperty", home.toString());
        Machines machines = new Machines(new FakeRegistry(), context);
        config = machines.create("t1", Map.of()).config().file().toString();
        command = new VmwareCmd(machines, context);
    }

    private static <T> T fake(Class<T> type, String method, Object result) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, called, arguments) -> called.getName().equals(method) ? result : null));
    }

    private String say(Object... words) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true));
        try {
            command.execute(fake(CommandSession.class, "currentDir", home), List.of(words));
        } finally {
            System.setOut(before);
        }
        return out.toString();
    }

    @Test
    void theListIsOnePathALine() {
        assertEquals(config + "\n", say("-l"));
    }

    @Test
    void anAnswerNamesTheVerbItsArgumentsAndTheValue() {
        assertEquals("getstate() = off\n", say(config, "getstate"));
        assertEquals("start() = 1\n", say("t1", "start"));
        assertEquals("getstate() = on\n", say("t1", "getstate"));
        assertEquals("getid() = 101\n", say("t1", "getid"));
        assertEquals("getuptime() = 61\n", say("t1", "getuptime"));
        assertEquals("stop(hard) = 1\n", say("t1", "stop", "hard"));
        assertEquals("setconfig(memsize 64) = 1\n", say("t1", "setconfig", "memsize", "64"));
        assertEquals("getconfig(memsize) = 64\n", say("t1", "getconfig", "memsize"));
        assertEquals("getproductinfo(product) = vmk\n", say("t1", "getproductinfo", "product"));
        assertEquals("unregister(" + config + ") = 1\n", say("-s", "unregister", config));
        assertEquals("register(" + config + ") = 1\n", say("-s", "register", config));
    }

    @Test
    void quietlyItIsTheValueAlone() {
        assertEquals("off\n", say("-q", "t1", "getstate"));
    }

    @Test
    void whatIsNotKnownIsToldInOneLine() {
        assertEquals("no virtual machine t2 is registered; \"list\" shows those that are", assertThrows(CommandException.class, () -> say("t2", "getstate")).getMessage());
        assertEquals("vmware-cmd: \"dance\" is not known; see vmware-cmd -h", assertThrows(CommandException.class, () -> say("t1", "dance")).getMessage());
        assertEquals("vmware-cmd getconfig: KEY is needed", assertThrows(CommandException.class, () -> say("t1", "getconfig")).getMessage());
    }
}
