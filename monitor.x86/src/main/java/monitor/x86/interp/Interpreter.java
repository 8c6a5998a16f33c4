package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Debug;
import monitor.x86.cpu.Flags;
import monitor.x86.cpu.Interrupts;
import monitor.x86.isa.InstructionTable;
import monitor.x86.mmu.GuestFault;
import monitor.x86.mmu.Mmu;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.monitor.VcpuContext;
import vmkernel.api.world.Slice;

/**
 * Executes a virtual CPU block by block. Everything out of the ordinary (interrupts, traps, single steps, changes of mode or
 * translation) raises {@code cpu.attention}, which is looked at between two blocks; the loop itself knows only blocks.
 */
final class Interpreter implements Vcpu, Mmu.CodeListener {
    private static final int SLOTS = 1 << 14;

    private final VcpuContext context;
    private final Cpu cpu;
    private final CodeCache cache;
    private final BlockBuilder builder;
    private final Block[] slots = new Block[SLOTS];
    private final Block.Mode mode = new Block.Mode();
    private final Block.Mode step = new Block.Mode();

    /** What a block's key must be: changes with every change of translation or mode. */
    private long key;
    private long lastEpoch = -1;
    private long keys = 1;
    private volatile long instructions;
    private Throwable failure;

    Interpreter(VcpuContext context, CpuState state, InstructionTable table) {
        this.context = context;
        cpu = new Cpu(context, this);
        cache = new CodeCache(context.memory());
        builder = new BlockBuilder(cpu, table);
        cpu.load(state);
        step.single = true;
    }

    // ---- Vcpu

    @Override
    public Exit run(Slice slice) {
        cpu.mmu.enter();
        cpu.attention = 1;
        try {
            while (true) {
                if (cpu.attention != 0) {
                    Exit exit = attend(slice);
                    if (exit != null) return exit;
                }
                execute();
            }
        } catch (Interrupts.Shutdown shutdown) {
            return Exit.SHUTDOWN;
        } catch (Throwable bug) {
            failure = bug;
            return Exit.FAULTED;
        }
    }

    @Override
    public void kick() { cpu.attention = 1; }

    @Override
    public CpuState save() { return cpu.save(); }

    @Override
    public long instructions() { return instructions; }

    @Override
    public Throwable failure() { return failure; }

    @Override
    public String describe() { return Description.of(cpu); }

    @Override
    public void close() {
        cache.close();
        cpu.mmu.close();
    }

    // ---- Mmu.CodeListener

    @Override
    public void codeWritten(long physical, int length) { cache.written(physical, length); }

    @Override
    public void attend() { cpu.attention = 1; }

    // ---- between blocks

    /** Handles what is pending. @return how the run ends, or null to go on */
    private Exit attend(Slice slice) {
        cpu.attention = 0;
        cpu.mmu.settle();
        cpu.mmu.a20(context.a20());
        int traps = cpu.debugTrap | cpu.mmu.breakHits;
        if (traps != 0 && !cpu.ssShadow) {
            clearTraps();
            cpu.halted = false;
            Debug.raise(cpu, traps);
        }
        boolean shadow = cpu.stiShadow || cpu.ssShadow;
        int events = context.events();
        if (events != 0 && !shadow) deliver(events);
        if (slice.expired()) {
            cpu.attention = 1;
            return Exit.STOPPED;
        }
        if (cpu.halted || cpu.waitForStartup) return cpu.attention != 0 ? null : Exit.HALTED;
        if (shadow || (cpu.control & (Flags.TF | Flags.RF)) != 0 || Debug.armed(cpu)) {
            singleStep();
            cpu.attention = 1;
        }
        refreshKey();
        return null;
    }

    private void deliver(int events) {
        if ((events & VcpuContext.INIT) != 0) {
            context.take(VcpuContext.INIT);
            initialize();
        } else if ((events & VcpuContext.STARTUP) != 0) {
            int vector = context.take(VcpuContext.STARTUP);
            if (cpu.waitForStartup) startUp(vector);
        } else if (cpu.waitForStartup) {
            return;
        } else if ((events & VcpuContext.NON_MASKABLE) != 0 && !cpu.nmiBlocked) {
            context.take(VcpuContext.NON_MASKABLE);
            cpu.interrupts.external(GuestFault.NMI);
            cpu.nmiBlocked = true;
        } else if ((events & VcpuContext.INTERRUPT_REQUEST) != 0 && (cpu.control & Flags.IF) != 0) {
            cpu.interrupts.external(context.acknowledgeInterrupt());
        } else {
            return;
        }
        cpu.attention = 1; // there may be more
    }

    /** INIT, [SDM] 3A table 9-1: as after reset, but x87, SSE and MSRs stay. */
    private void initialize() {
        CpuState old = cpu.save();
        CpuState fresh = CpuState.reset();
        fresh.cr0 = old.cr0 & (Cpu.CR0_CD | Cpu.CR0_NW) | Cpu.CR0_ET;
        System.arraycopy(old.fpSignificand, 0, fresh.fpSignificand, 0, 8);
        System.arraycopy(old.fpSignExponent, 0, fresh.fpSignExponent, 0, 8);
        fresh.fpControl = old.fpControl;
        fresh.fpStatus = old.fpStatus;
        fresh.fpEmpty = old.fpEmpty;
        System.arraycopy(old.xmm, 0, fresh.xmm, 0, 32);
        fresh.mxcsr = old.mxcsr;
        fresh.msrs.putAll(old.msrs);
        fresh.tscOffset = old.tscOffset;
        fresh.waitForStartup = context.cpu() != 0;
        cpu.load(fresh);
    }

    private void startUp(int vector) {
        cpu.waitForStartup = false;
        cpu.cs.set(vector << 8, (long) vector << 12, 0xFFFF, 0x93);
        cpu.codeChanged();
        cpu.rip = 0;
    }

    private void clearTraps() {
        cpu.debugTrap = 0;
        cpu.mmu.breakHits = 0;
    }

    /** A new key after changes; the same one as long as nothing has changed. */
    private void refreshKey() {
        long epoch = cpu.mmu.epoch + cpu.codeEpoch;
        if (epoch != lastEpoch) {
            lastEpoch = epoch;
            keys += 2;
            mode.codeBase = cpu.cs.base;
            mode.codeLimit = cpu.cs.limit;
            mode.codeBits = cpu.codeBits;
        }
        mode.user = cpu.cpl == 3;
        key = mode.user ? keys + 1 : keys;
    }

    // ---- blocks

    private void execute() {
        if (cpu.attention != 0) return;
        Block b = null;
        int n = 0;
        long count = 0;
        try {
            b = lookUp(cpu.rip);
            do {
                Node[] nodes = b.nodes;
                n = 0;
                do nodes[n].exec(cpu);
                while (++n < b.live);
                count += Math.min(n, b.instructions);
                if (n < nodes.length) cpu.rip = nodes[n].ip; // its code has just changed
                b = follow(b, cpu.rip);
            } while (cpu.attention == 0);
        } catch (GuestFault fault) {
            // a fault of the look-up comes with n == 0 and an exact rip
            fault(b, n, fault);
        } finally {
            instructions += count;
        }
    }

    private Block follow(Block b, long ip) {
        Block next = b.next;
        if (next != null && next.ip == ip && next.key == key) return next;
        Block other = b.other;
        if (other != null && other.ip == ip && other.key == key) {
            b.other = next;
            b.next = other;
            return other;
        }
        return link(b, ip);
    }

    private Block link(Block b, long ip) {
        if (cpu.attention != 0) return b; // not under the old key; the loop ends
        Block next = lookUp(ip);
        if (b.key != Block.DEAD) {
            b.other = b.next;
            b.next = next;
        }
        return next;
    }

    private Block lookUp(long ip) {
        int slot = (int) (ip ^ ip >>> 14) & SLOTS - 1;
        Block b = slots[slot];
        if (b != null && b.ip == ip && b.key == key) return b;
        b = find(ip, mode);
        if (b.key != Block.UNCACHED) {
            b.key = key;
            slots[slot] = b;
        }
        return b;
    }

    /** The block at an offset, decoded if need be; faults as the fetch of its first instruction. */
    private Block find(long ip, Block.Mode mode) {
        if (ip > cpu.cs.limit) throw cpu.gp();
        long linear = cpu.cs.base + ip & Cpu.MASK32;
        long physical = cpu.mmu.fetch(linear);
        Block b = cache.find(physical, ip, mode);
        if (b != null && b.secondPage >= 0 && cpu.mmu.fetch((linear | 0xFFF) + 1 & Cpu.MASK32) != b.secondPage) {
            cache.remove(b);
            b = null;
        }
        return b != null ? b : build(ip, physical, mode);
    }

    private Block build(long ip, long physical, Block.Mode mode) {
        boolean cached = cache.prepare(physical);
        Block b = builder.build(ip, physical, mode);
        if (cached) cache.add(b);
        else b.key = Block.UNCACHED;
        return b;
    }

    // ---- one instruction at a time

    /** Executes one instruction under an interrupt shadow, TF, RF or instruction breakpoints. */
    private void singleStep() {
        boolean trap = (cpu.control & Flags.TF) != 0;
        boolean shadowed = cpu.ssShadow;
        cpu.stiShadow = false;
        cpu.ssShadow = false;
        if (!shadowed && (cpu.control & Flags.RF) == 0 && Debug.armed(cpu)) {
            int hits = Debug.codeHits(cpu, cpu.cs.base + cpu.rip & Cpu.MASK32);
            if (hits != 0) {
                Debug.raise(cpu, hits);
                return;
            }
        }
        cpu.control &= ~Flags.RF;
        refreshKey();
        step.codeBase = cpu.cs.base;
        step.codeLimit = cpu.cs.limit;
        step.codeBits = cpu.codeBits;
        step.user = mode.user;
        long delivered = cpu.interrupts.delivered;
        Block b = null;
        int n = 0;
        try {
            b = find(cpu.rip, step);
            for (; n < b.nodes.length; n++) b.nodes[n].exec(cpu);
            instructions++;
            // the interrupt that an INT has just entered is not traced, nor is the loading of SS
            if (trap && !cpu.ssShadow && cpu.interrupts.delivered == delivered) cpu.debugTrap |= Debug.BS;
        } catch (GuestFault fault) {
            fault(b, n, fault);
        }
    }

    /** Delivers the fault of node {@code n}; of none if the look-up of a block has faulted at {@code cpu.rip}. */
    private void fault(Block b, int n, GuestFault fault) {
        int vector = fault.vector();
        int code = fault.errorCode();
        cpu.rollback();
        if (b != null && n < b.nodes.length && !b.nodes[n].keepsRip()) cpu.rip = b.nodes[n].ip;
        clearTraps();
        cpu.stiShadow = false;
        cpu.ssShadow = false;
        if (vector == GuestFault.FREEZE) {
            cpu.halted = true;
        } else if (vector == GuestFault.DB) {
            Debug.raise(cpu, (int) cpu.debug[6] & Debug.BD);
        } else {
            cpu.control |= Flags.RF;
            cpu.interrupts.exception(vector, code);
        }
        cpu.attention = 1;
    }
}
