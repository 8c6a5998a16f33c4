package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import vmkernel.api.monitor.Vcpu;

/** What the comparison with the host cannot see: images of real mode, the pointers to the last instruction, and delivery of errors. */
class FloatingPointTest {
    private static final int MF = 16, XM = 19, NM = 7;

    private static int word(Vm vm, long address) { return (int) vm.memory.read(address, 2); }

    private static long dword(Vm vm, long address) { return vm.memory.read(address, 4); }

    /** A vector of real mode that leads to HLT at 0x900 + vector. */
    private static Vm handler(Vm vm, int vector) {
        vm.memory.write(4 * vector, 4, 0x900 + vector);
        vm.memory.write(0x900 + vector, 1, 0xF4);
        return vm;
    }

    @Test
    void realModeImagesHoldLinearAddresses() {
        try (Vm vm = Vm.real16()) {
            vm.code("fninit; mov ax,0x1234; mov ds,ax; fld dword [0x8]; fnstenv [cs:0x3000]; o32 fnstenv [cs:0x3100]; hlt").run();
            assertEquals(0x37F, word(vm, 0x3000));
            assertEquals(7 << 11, word(vm, 0x3002));
            assertEquals(0x7FFF, word(vm, 0x3004));
            assertEquals(0x1007, word(vm, 0x3006));
            assertEquals(0x106, word(vm, 0x3008)); // the instruction is below 64 KiB, its opcode is D9 06
            assertEquals(0x2348, word(vm, 0x300A));
            assertEquals(0x1000, word(vm, 0x300C));
            assertEquals(0xFFFF_037FL, dword(vm, 0x3100));
            assertEquals(0xFFFF_1007L, dword(vm, 0x310C));
            assertEquals(0x106, dword(vm, 0x3110));
            assertEquals(0xFFFF_2348L, dword(vm, 0x3114));
            assertEquals(0x1000, dword(vm, 0x3118));
        }
    }

    @Test
    void protectedModeImagesHoldSelectorsAndOffsets() {
        try (Vm vm = Vm.flat32()) {
            vm.code("fninit; fld qword [0x2000]; fchs; fnsave [0x3000]; fld1; frstor [0x3000]; fnstenv [0x3100]; hlt").run();
            for (long image : new long[] {0x3000, 0x3100}) {
                assertEquals(0x1008, dword(vm, image + 12)); // of FCHS, the last that was no control instruction
                assertEquals(8 | 0x1E0 << 16, dword(vm, image + 16)); // D9 E0
                assertEquals(0x2000, dword(vm, image + 20));
                assertEquals(0xFFFF_0010L, dword(vm, image + 24));
            }
        }
    }

    @Test
    void anUnmaskedErrorIsDeliveredAtTheNextWaitingInstruction() {
        try (Vm vm = handler(Vm.real16(), MF)) {
            vm.code("mov eax,cr0; or al,0x20; mov cr0,eax; fninit; fldcw [cs:data]; fld1; fldz; fdivp st1,st0; mov bx,1; fnstsw ax; mov cx,1; fwait; mov dx,1; hlt\ndata: dw 0x37B").run();
            assertEquals(0x900 + MF, vm.result().rip - 1);
            assertEquals(1, vm.register(1), "what does not wait is executed");
            assertEquals(0x84, vm.register(0) & 0x84, "zero divide, exception summary");
            assertEquals(0, vm.register(2), "FWAIT faults");
            assertEquals(6, vm.result().fpStatus >> 11 & 7, "the division has not popped");
        }
    }

    @Test
    void storesWaitForNothingWhenTheTaskSwitchedFlagIsSet() {
        try (Vm vm = handler(Vm.real16(), NM)) {
            vm.code("fninit; mov eax,cr0; or al,8; mov cr0,eax; fld1; hlt").run();
            assertEquals(0x900 + NM, vm.result().rip - 1);
            assertEquals(0xFF, vm.result().fpEmpty);
        }
    }

    @Test
    void anUnmaskedSimdErrorFaultsAndStoresNothing() {
        try (Vm vm = handler(Vm.real16(), XM)) {
            vm.code("mov eax,0x600; mov cr4,eax; ldmxcsr [cs:csr]; movups xmm0,[cs:one]; xorps xmm1,xmm1; divps xmm0,xmm1; hlt\n"
                + "csr: dd 0x1D80\none: dd 1.0, 1.0, 1.0, 2.0").run();
            assertEquals(0x900 + XM, vm.result().rip - 1);
            assertEquals(0x1D84, vm.result().mxcsr);
            assertEquals(0x3F80_0000_3F80_0000L, vm.result().xmm[0]);
        }
    }

    @Test
    void mmxRegistersAreTheSignificandsOfTheX87Registers() {
        try (Vm vm = Vm.flat32()) {
            vm.code("fninit; fld1; mov eax,0x12345678; movd mm3,eax; fnstenv [0x3000]; emms; hlt").run();
            assertEquals(Vcpu.Exit.HALTED, vm.exit());
            assertEquals(0x12345678, vm.result().fpSignificand[3]);
            assertEquals(0xFFFF, vm.result().fpSignExponent[3]);
            assertEquals(0, dword(vm, 0x3004) >> 11 & 7);
            assertEquals(0, dword(vm, 0x3008) >> 14 & 3, "the 1.0 in R7 is valid");
            assertEquals(0xFF, vm.result().fpEmpty);
        }
    }
}
