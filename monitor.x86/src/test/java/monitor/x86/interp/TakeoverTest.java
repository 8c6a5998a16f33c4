package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.world.Slice;

/** A virtual CPU is replaced by another again and again: the program finds nothing of it. */
@Timeout(300)
class TakeoverTest {
    /** Everything that has state: arithmetic, strings, x87, MMX, SSE, PAE, faults, interrupts and their shadows, traps, code that changes. */
    private static final String PROGRAM = """
            lgdt [gdtr]
            lidt [idtr]
            jmp 8:flat
        flat:
            mov ax, 16
            mov ds, ax
            mov es, ax
            mov ss, ax
            mov dword [0x20000], 0x21001
            mov dword [0x21000], 0x83
            mov dword [0x21008], 0x200083
            mov eax, 0x630
            mov cr4, eax
            mov eax, 0x20000
            mov cr3, eax
            mov eax, cr0
            or eax, 0x80000000
            and eax, ~0x20
            mov cr0, eax
            mov dword [0x20000], 0
            fninit
            xor ebx, ebx
            mov ecx, [rounds]
        outer:
            push ecx
            mov eax, ecx
            imul eax, eax, 12345
            xor edx, edx
            mov esi, 7
            div esi
            adc ebx, edx
            rol ebx, 3
            mov esi, 0x1000
            mov edi, 0x30000
            mov ecx, [bytes]
            rep movsb
            mov edi, 0x30000
            mov ecx, 40
            xor eax, eax
        sum:
            add al, [edi]
            adc ah, 0
            rol eax, 1
            inc edi
            loop sum
            add ebx, eax
            std
            lea esi, [edi + 3]
            mov edi, 0x30400
            mov ecx, 17
            rep movsd
            cld
            mov edi, 0x31000
            mov al, bl
            mov ecx, [bytes]
            rep stosb
            fild dword [esp]
            fsin
            fadd st0, st0
            fst qword [0x32000]
            fistp dword [0x32008]
            add ebx, [0x32000]
            cvtsi2sd xmm0, ebx
            sqrtsd xmm0, xmm0
            movq [0x32010], xmm0
            xor ebx, [0x32010]
            movd mm0, ebx
            paddb mm0, mm0
            movd eax, mm0
            emms
            add ebx, eax
            xor eax, eax
            div eax
            int 0x30
            pushf
            or dword [esp], 0x100
            popf
            nop
            mov ax, 16
            mov ss, ax
            nop
            lea eax, [eax + 1]
            pushf
            and dword [esp], ~0x100
            popf
            mov word [0x32030], 16
            mov ss, [0x32030]
            lea eax, [eax + 1]
            inc byte [changed + 1]
        changed:
            mov al, 0
            add bl, al
            cli
            mov al, bl
            out 0xe8, al
            sti
            add ebx, 5
            rol ebx, 1
            add ebx, 7
            hlt
            pop ecx
            dec ecx
            jnz outer
            cli
            hlt
        divide:
            add ebx, 3
            add dword [esp], 2
            iret
        trap:
            inc dword [0x32020]
            add ebx, [esp]
            push eax
            mov eax, dr6
            add [0x32024], eax
            xor eax, eax
            mov dr6, eax
            pop eax
            iret
        call30:
            rol ebx, 5
            iret
        irq:
            add ebx, [esp]
            rol ebx, 7
            iret
            align 8
        gdt: dq 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
        gdtr: dw 23
            dd gdt
        idtr: dw 0x31 * 8 + 7
            dd idt
        rounds: dd 3
        bytes: dd 60
            align 8
        idt:
            dw divide, 8, 0x8E00, 0
            dw trap, 8, 0x8E00, 0
            times 0x2E dq 0
            dw call30, 8, 0x8E00, 0
            dw irq, 8, 0x8E00, 0
        """;

    /** Runs it with HLT answered by the next interrupt, and gives what it left behind. */
    private static CpuState end(Vm vm, Consumer<Vm> how) {
        vm.onWrite = 0x31;
        do {
            vm.events |= vm.exit() == null ? 0 : 1;
            how.accept(vm);
        } while (vm.exit() == Vcpu.Exit.HALTED && (vm.result().rflags & 0x200) != 0);
        assertEquals(Vcpu.Exit.HALTED, vm.exit(), vm.vcpu()::describe);
        return vm.result();
    }

    private static void set(Vm vm, String name, int value) {
        // found behind the IDT's pseudo descriptor
        byte[] code = Vm.assemble(32, Vm.CODE, PROGRAM + "\ndd " + name);
        int at = code.length - 4;
        vm.memory.write((code[at] & 0xFF) + ((code[at + 1] & 0xFF) << 8), 4, value);
    }

    private static void assertSame(CpuState expected, Vm plain, CpuState state, Vm other) {
        assertArrayEquals(expected.registers, state.registers);
        assertEquals(expected.rip, state.rip);
        assertEquals(expected.rflags, state.rflags);
        assertArrayEquals(expected.segments, state.segments);
        assertArrayEquals(expected.fpSignificand, state.fpSignificand);
        assertArrayEquals(expected.fpSignExponent, state.fpSignExponent);
        assertEquals(expected.fpStatus, state.fpStatus);
        assertEquals(expected.fpEmpty, state.fpEmpty);
        assertArrayEquals(expected.xmm, state.xmm);
        assertArrayEquals(expected.pdptes, state.pdptes);
        assertEquals(plain.written, other.written);
        byte[] a = new byte[0x33000], b = new byte[0x33000];
        plain.memory.read(0, a, 0, a.length);
        other.memory.read(0, b, 0, b.length);
        assertArrayEquals(a, b);
    }

    /** A breakpoint that is never hit makes the CPU look up before each instruction. Another is hit in the shadow of a load of SS. */
    private static Vm everyInstruction(int n) {
        Vm vm = Vm.flat32().code(PROGRAM);
        vm.state.debug[0] = 0xFFFF_FF00L;
        vm.state.debug[1] = 0x32030;
        vm.state.debug[7] = 0x0070_040A;
        int[] looks = new int[1];
        vm.onAttention = () -> {
            if (n > 0 && ++looks[0] % (n + 1) == 0) vm.slice.expire();
        };
        return vm;
    }

    @Test
    void betweenAnyTwoInstructions() {
        try (Vm plain = everyInstruction(0)) {
            CpuState expected = end(plain, Vm::run);
            for (int n : new int[] {1, 2, 3, 7, 100}) {
                try (Vm vm = everyInstruction(n)) {
                    CpuState state = end(vm, v -> v.runWithTakeovers(Slice::new));
                    assertTrue(vm.takeovers > 1000 / n, "only " + vm.takeovers);
                    assertSame(expected, plain, state, vm);
                }
            }
        }
    }

    @Test
    void anX87ErrorThatIsSignalledIsTakenBackByTheSuccessor() {
        try (Vm vm = Vm.real16().code("mov word [0x3000],0x37B; fninit; fldcw [0x3000]; sti; fld1; fldz; fdivp; fwait; hlt")) {
            vm.ferr = new ArrayList<>();
            vm.memory.write(0x20 * 4, 4, 0x2000);
            byte[] handler = Vm.assemble(16, 0x2000, "fnclex; iret");
            vm.memory.write(0x2000, handler, 0, handler.length);
            vm.runWithTakeovers(Slice::new);
            assertEquals(List.of(true), vm.ferr);
            vm.vector = 0x20;
            vm.events = 1;
            vm.runWithTakeovers(Slice::new);
            assertEquals(List.of(true, false), vm.ferr);
            assertEquals(Vcpu.Exit.HALTED, vm.exit());
        }
    }

    @Test
    void atAnyTimeAlsoWithinRepetitions() throws Exception {
        try (Vm plain = Vm.flat32().code(PROGRAM); Vm vm = Vm.flat32().code(PROGRAM)) {
            for (Vm each : new Vm[] {plain, vm}) {
                set(each, "rounds", 3000);
                set(each, "bytes", 4000);
            }
            CpuState expected = end(plain, Vm::run);
            Slice[] now = {new Slice()};
            boolean[] over = new boolean[1];
            Thread hurry = new Thread(() -> {
                Random random = new Random(5);
                while (!over[0]) {
                    for (int i = random.nextInt(20_000); i > 0; i--) Thread.onSpinWait();
                    synchronized (now) {
                        now[0].expire();
                        if (vm.vcpu() != null) vm.vcpu().kick();
                    }
                }
            });
            hurry.start();
            Supplier<Slice> slices = () -> {
                synchronized (now) {
                    return now[0] = new Slice();
                }
            };
            CpuState state = end(vm, v -> v.runWithTakeovers(slices));
            over[0] = true;
            hurry.join();
            assertTrue(vm.takeovers > 3000);
            assertSame(expected, plain, state, vm);
        }
    }
}
