package monitor.x86.interp;

import monitor.x86.isa.InstructionTable;
import org.osgi.service.component.annotations.Component;
import vmkernel.api.monitor.CpuModel;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.monitor.VcpuContext;

/** The software monitor that interprets: {@code monitor = "interp"}. */
@Component
public final class InterpreterMonitor implements Monitor {
    private final InstructionTable table = InstructionTable.load();

    @Override
    public String name() { return "interp"; }

    @Override
    public boolean supports(CpuModel model) { return model == CpuModel.X86_32; }

    @Override
    public Vcpu create(VcpuContext context, CpuState state) { return new Interpreter(context, state, table); }
}
