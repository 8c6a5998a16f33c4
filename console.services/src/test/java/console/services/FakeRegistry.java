package console.services;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import vmkernel.api.vm.Console;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.api.vm.VmRegistry;

/** A registry of machines whose guest is an echo: what is typed comes back; {@code q} powers it off, {@code x} exits with 21. */
final class FakeRegistry implements VmRegistry {
    final List<Machine> machines = new ArrayList<>();

    @Override
    public List<VirtualMachine> machines() { return List.copyOf(machines); }

    @Override
    public Optional<VirtualMachine> find(String name) {
        return machines().stream().filter(machine -> machine.name().equals(name) || machine.config().file().toString().equals(name)).findFirst();
    }

    @Override
    public VirtualMachine register(Path vmx) throws VmException {
        Map<String, String> values = new LinkedHashMap<>();
        try {
            for (String line : Files.readAllLines(vmx)) values.put(line.split(" = ")[0], line.split(" = ")[1].replace("\"", ""));
        } catch (IOException e) {
            throw new VmException(vmx + ": there is no such file");
        }
        return register(new VmConfig(vmx, values));
    }

    @Override
    public VirtualMachine register(VmConfig config) throws VmException {
        if (config.text("memsize", "").equals("3")) throw new VmException(config.file() + ": memsize = \"3\": a multiple of 4 is needed");
        Machine machine = new Machine(config, 101 + machines.size());
        machines.add(machine);
        return machine;
    }

    @Override
    public void unregister(VirtualMachine machine) { machines.remove(machine); }

    static final class Machine implements VirtualMachine, Console {
        private VmConfig config;
        private final int world;
        private CompletableFuture<PowerOff> off = CompletableFuture.completedFuture(new PowerOff(-1, null));
        private Output output = (bytes, offset, length) -> { };

        Machine(VmConfig config, int world) {
            this.config = config;
            this.world = world;
        }

        @Override public String name() { return config.text("displayName", "?"); }
        @Override public int id() { return off.isDone() ? -1 : world; }
        @Override public VmConfig config() { return config; }
        @Override public void configure(String key, String value) { config = config.with(key, value); }
        @Override public PowerState state() { return off.isDone() ? PowerState.OFF : PowerState.ON; }
        @Override public String reason() { return ""; }

        @Override
        public void powerOn() throws VmException {
            if (!off.isDone()) throw new VmException(name() + ": is on already");
            off = new CompletableFuture<>();
            print("booted\r\n");
        }

        @Override
        public void powerOff(PowerMode mode) throws VmException {
            if (off.isDone()) throw new VmException(name() + ": is off already");
            off.complete(new PowerOff(-1, null));
        }

        @Override public void reset(PowerMode mode) { print("reset\r\n"); }
        @Override public CompletableFuture<PowerOff> off() { return off; }
        @Override public Console serial(int port) { return this; }
        @Override public Console debugConsole() { return this; }
        @Override public Duration uptime() { return off.isDone() ? Duration.ZERO : Duration.ofSeconds(61); }
        @Override public long instructions() { return 1_000_000; }

        private void print(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            try {
                output.write(bytes, 0, bytes.length);
            } catch (IOException e) {
                off.complete(new PowerOff(-1, e.toString()));
            }
        }

        @Override
        public AutoCloseable attach(Output output) {
            this.output = output;
            return () -> this.output = (bytes, offset, length) -> { };
        }

        @Override
        public void send(byte[] bytes, int offset, int length) {
            for (int i = offset; i < offset + length; i++) {
                print(String.valueOf((char) bytes[i]));
                if (bytes[i] == 'q') off.complete(new PowerOff(-1, null));
                if (bytes[i] == 'x') off.complete(new PowerOff(10, null));
            }
        }

        @Override public void flush() { }
    }
}
