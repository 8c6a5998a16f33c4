package monitor.x86.interp;

/** Prints how fast the interpreter runs a loop of ordinary instructions. For a first look; bench/ measures wholes. */
final class Mips {
    public static void main(String[] args) {
        for (int round = 0; round < 6; round++) {
            try (Vm vm = Vm.flat32().code("mov ecx,20000000; mov esi,0x100000; l: mov eax,[esi+4]; add eax,ecx; mov [esi+8],eax; and eax,0xfff; "
                + "lea ebx,[esi+eax]; mov dl,[ebx]; xor edx,eax; shr edx,3; cmp edx,5; je m; inc edi; m: push edx; call f; pop edx; dec ecx; jnz l; hlt; f: add edi,edx; ret")) {
                long start = System.nanoTime();
                vm.run();
                double seconds = (System.nanoTime() - start) / 1e9;
                System.out.printf("%d instructions, %.3f s, %.1f MIPS%n", vm.vcpu().instructions(), seconds, vm.vcpu().instructions() / seconds / 1e6);
            }
        }
    }
}
