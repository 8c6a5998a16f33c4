package monitor.x86.interp;

import java.util.ArrayList;
import java.util.List;
import monitor.x86.cpu.Cpu;
import monitor.x86.isa.ByteSource;
import monitor.x86.isa.Decoder;
import monitor.x86.isa.Insn;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Note;
import monitor.x86.mmu.GuestFault;

/** Decodes blocks. */
final class BlockBuilder {
    /** Longest block: enough for straight code, short enough that decoding ahead is not wasted. */
    private static final int MAX_NODES = 48;

    private final Cpu cpu;
    private final Decoder decoder;
    private final Code code = new Code();
    private final List<Node> nodes = new ArrayList<>();

    BlockBuilder(Cpu cpu, InstructionTable table) {
        this.cpu = cpu;
        decoder = new Decoder(table);
    }

    /** The bytes at an offset of the code segment; faults as a fetch does. */
    private final class Code implements ByteSource {
        long ip, page, physicalPage;

        void start(long ip, long physical) {
            this.ip = ip;
            page = cpu.cs.base + ip & Cpu.MASK32 & ~0xFFFL;
            physicalPage = physical & ~0xFFFL;
        }

        @Override
        public int next() {
            if (ip > cpu.cs.limit) throw cpu.gp();
            long linear = cpu.cs.base + ip++ & Cpu.MASK32;
            if ((linear & ~0xFFFL) != page) {
                physicalPage = cpu.mmu.fetch(linear) & ~0xFFFL;
                page = linear & ~0xFFFL;
            }
            return cpu.mmu.codeByte(physicalPage | linear & 0xFFF);
        }
    }

    /**
     * Decodes the block at an offset whose guest-physical address is known.
     *
     * @throws GuestFault if the first instruction cannot be fetched
     */
    Block build(long ip, long physical, Block.Mode mode) {
        nodes.clear();
        code.start(ip, physical);
        long firstPage = code.page;
        long at = ip;
        long end = ip;
        boolean leaves = false;
        boolean open = true;
        while (open) {
            Insn i;
            try {
                i = decoder.decode(code, at, mode.codeBits);
            } catch (GuestFault fault) {
                if (nodes.isEmpty()) throw fault;
                break; // the block ends before what cannot be fetched
            }
            if (!nodes.isEmpty() && code.page != firstPage) break; // only a first instruction may reach into the next page
            Node node = node(i, mode);
            nodes.add(node);
            end = at + i.length;
            at = end & Cpu.MASK32;
            leaves = i.row.has(Note.BRANCH) || repeats(i);
            open = !leaves && !i.row.has(Note.ENDS) && !mode.single && nodes.size() < MAX_NODES && end == at && code.page == firstPage
                && (cpu.cs.base + at & 0xFFF) != 0;
            code.ip = at;
        }
        int instructions = nodes.size();
        if (!leaves) nodes.add(new ControlNodes.FallThrough(at));
        int length = (int) (end - ip);
        boolean crosses = (physical & 0xFFF) + length > 0x1000;
        return new Block(nodes.toArray(new Node[0]), instructions, ip, physical, length, crosses ? code.physicalPage : -1, mode);
    }

    private static boolean repeats(Insn i) { return (i.rep || i.repne) && (i.row.has(Note.REP) || i.row.has(Note.REPZ)); }

    private Node node(Insn i, Block.Mode mode) {
        AnyNode node = ControlNodes.create(cpu, i);
        if (node == null) node = HotNodes.create(cpu, i);
        if (node == null) node = OperationNodes.create(cpu, i);
        if (node == null) throw new IllegalStateException("no operation " + i.row.operation);
        return GateNode.wrap(i, (Node) node);
    }
}
