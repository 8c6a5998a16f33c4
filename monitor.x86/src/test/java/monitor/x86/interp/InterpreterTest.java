package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import vmkernel.api.monitor.Vcpu;

class InterpreterTest {
    @Test
    void addsAndHaltsInRealMode() {
        try (Vm vm = Vm.real16().code("mov al,250; add al,10; hlt").run()) {
            assertEquals(Vcpu.Exit.HALTED, vm.exit());
            assertEquals(4, vm.register(0) & 0xFF);
            assertEquals(0x11, vm.flags() & 0x8D5);
        }
    }

    @Test
    void loopsAndCallsInProtectedMode() {
        try (Vm vm = Vm.flat32().code("mov ecx,100000; xor eax,eax; l: call f; dec ecx; jnz l; hlt; f: add eax,ecx; ret").run()) {
            assertEquals(100000L * 100001 / 2 & 0xFFFF_FFFFL, vm.register(0));
        }
    }

    @Test
    void codeThatChangesItselfSeesTheChangeAtOnce() {
        // the immediate of the next instruction is patched each time round
        try (Vm vm = Vm.flat32().code("mov ecx,1000; xor eax,eax; l: mov [p+1],ecx; p: mov edx,0; add eax,edx; loop l; hlt").run()) {
            assertEquals(1000 * 1001 / 2, vm.register(0));
        }
    }

    @Test
    void tripleFaultShutsDown() {
        try (Vm vm = Vm.flat32()) {
            vm.state.idtr = new vmkernel.api.monitor.CpuState.Table(0, 0);
            assertEquals(Vcpu.Exit.SHUTDOWN, vm.code("ud2").run().exit());
        }
    }

    @Test
    void instructionsAreCountedExactly() {
        // 3 before the loop, 5 times 3 in it (a call, a return, a jump), a CLI that ends its block, HLT
        try (Vm vm = Vm.flat32().code("xor eax,eax; nop; mov ecx,5; l: call f; loop l; cli; hlt; f: ret").run()) {
            assertEquals(3 + 5 * 3 + 2, vm.vcpu().instructions());
        }
    }
}
