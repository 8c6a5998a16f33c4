package firmware.bios.tables;

import static firmware.bios.tables.Aml.and;
import static firmware.bios.tables.Aml.arg;
import static firmware.bios.tables.Aml.busNumbers;
import static firmware.bios.tables.Aml.byteFields;
import static firmware.bios.tables.Aml.decrement;
import static firmware.bios.tables.Aml.device;
import static firmware.bios.tables.Aml.dmaChannel;
import static firmware.bios.tables.Aml.eisaId;
import static firmware.bios.tables.Aml.findSetRightBit;
import static firmware.bios.tables.Aml.give;
import static firmware.bios.tables.Aml.io;
import static firmware.bios.tables.Aml.ioWindow;
import static firmware.bios.tables.Aml.irq;
import static firmware.bios.tables.Aml.local;
import static firmware.bios.tables.Aml.memoryWindow;
import static firmware.bios.tables.Aml.method;
import static firmware.bios.tables.Aml.name;
import static firmware.bios.tables.Aml.number;
import static firmware.bios.tables.Aml.or;
import static firmware.bios.tables.Aml.pack;
import static firmware.bios.tables.Aml.path;
import static firmware.bios.tables.Aml.pciIrq;
import static firmware.bios.tables.Aml.processor;
import static firmware.bios.tables.Aml.region;
import static firmware.bios.tables.Aml.resources;
import static firmware.bios.tables.Aml.scope;
import static firmware.bios.tables.Aml.shiftLeft;
import static firmware.bios.tables.Aml.store;
import static firmware.bios.tables.Aml.when;
import static firmware.bios.tables.Aml.wordField;

import java.util.ArrayList;
import java.util.List;

/**
 * What the ACPI namespace of the board holds: the soft-off state, processors, the PCI bus with its windows and interrupt routes, the
 * four PIRQ links of the PIIX4, and what is on the ISA bus.
 */
final class Dsdt {
    /** _STA: present, decoding, shown, working; without "decoding" a link that is switched off. */
    private static final int PRESENT = 0x0B, OFF = 0x09;
    private static final int PIRQ_DISABLED = 0x80;

    private final Board board;

    Dsdt(Board board) { this.board = board; }

    Aml definition() {
        return Aml.all(List.of(
            // SLP_TYP 0 is soft off at the PIIX4 [PIIX4] 7.2 PMCNTRL
            name("\\_S5", pack(number(0), number(0), number(0), number(0))),
            // the system tells whether it uses the PICs (0) or the IOAPIC (1)
            name("\\PICF", number(0)),
            method("\\_PIC", 1, store(arg(0), path("\\PICF"))),
            scope("\\_PR", processors()),
            scope("\\_SB", links(), pciBus())));
    }

    private Aml processors() {
        List<Aml> processors = new ArrayList<>();
        for (int i = 0; i < board.cpus(); i++) processors.add(processor(String.format("C%03X", i), i));
        return Aml.all(processors);
    }

    private Aml pciBus() {
        return device("PCI0",
            name("_HID", eisaId("PNP0A03")),
            name("_BBN", number(0)),
            name("_UID", number(0)),
            name("_CRS", resources(
                busNumbers(0, 0xFF),
                ioWindow(0, 0xCF7),
                io(0xCF8, 8), // the configuration mechanism, the bridge's own
                ioWindow(0xD00, 0xFFFF),
                memoryWindow(0xA0000, 0xBFFFF),
                memoryWindow(board.lowMemoryTop(), Board.PCI_MEMORY_END - 1))),
            name("PICR", routes(false)),
            name("APCR", routes(true)),
            method("_PRT", 0,
                when(path("\\PICF"), give(path("APCR"))),
                give(path("PICR"))),
            isaBus());
    }

    /** _PRT: each pin of each device to a link, or to an input of the IOAPIC. Device 0 is the bridge itself. */
    private static Aml routes(boolean ioapic) {
        List<Aml> routes = new ArrayList<>();
        for (int slot = 1; slot < Board.SLOTS; slot++) {
            for (int pin = 0; pin < 4; pin++) {
                int wire = Board.pciWire(slot, pin);
                Aml address = number(((long) slot << 16) + 0xFFFF);
                routes.add(ioapic ? pack(address, number(pin), number(0), number(Board.PCI_GSI + wire))
                        : pack(address, number(pin), path("\\_SB." + link(wire)), number(0)));
            }
        }
        return pack(routes);
    }

    private static String link(int wire) { return "LNK" + letter(wire); }

    private static char letter(int wire) { return (char) ('A' + wire); }

    private Aml isaBus() {
        List<Aml> content = new ArrayList<>(List.of(
            name("_ADR", number((long) Board.PIIX4_SLOT << 16)),
            region("PIRR", Aml.PCI_CONFIG, Board.pirqRegister(0), 4),
            byteFields("PIRR", List.of("PRQA", "PRQB", "PRQC", "PRQD")),
            isa("PIC", "PNP0000", io(0x20, 2), io(0xA0, 2), io(0x4D0, 2), irq(2)),
            isa("TMR", "PNP0100", io(0x40, 4), irq(0)),
            isa("DMAC", "PNP0200", io(0x00, 0x10), io(0x80, 0x10), io(0xC0, 0x20), dmaChannel(4)),
            isa("SPKR", "PNP0800", io(0x61, 1)),
            isa("RTC", "PNP0B00", io(0x70, 2), irq(8)),
            isa("FPU", "PNP0C04", io(0xF0, 2), irq(13)),
            isa("KBD", "PNP0303", io(0x60, 1), io(0x64, 1), irq(1)),
            isa("MOU", "PNP0F13", irq(12)),
            // what has no device of its own: power management, reset control, gate A20
            isa("SYSR", "PNP0C02", io(0x92, 1), io(0xB2, 2), io(Board.PM_BASE, 0x40))));
        for (int number : board.serialPorts()) content.add(serial(number));
        return device("ISA", content.toArray(Aml[]::new));
    }

    private static Aml isa(String name, String id, Aml... descriptors) {
        return device(name, name("_HID", eisaId(id)), name("_CRS", resources(descriptors)));
    }

    private static Aml serial(int number) {
        return device("COM" + (number + 1),
            name("_HID", eisaId("PNP0501")),
            name("_UID", number(number + 1)),
            name("_CRS", resources(io(Board.serialPort(number), 8), irq(Board.serialIrq(number)))));
    }

    private static Aml links() {
        List<Aml> links = new ArrayList<>();
        for (int wire = 0; wire < 4; wire++) links.add(link(wire, path("\\_SB.PCI0.ISA.PRQ" + letter(wire))));
        return Aml.all(links);
    }

    /** A PCI interrupt link [ACPI] 6.2.11 on one of the PIIX4's route registers [PIIX4] 4.1.10. */
    private static Aml link(int wire, Aml register) {
        return device(link(wire),
            name("_HID", eisaId("PNP0C0F")),
            name("_UID", number(wire + 1)),
            name("_PRS", resources(pciIrq(Board.PIRQ_CHOICES))),
            name("BUFF", resources(pciIrq(0))),
            method("_STA", 0,
                when(and(register, number(PIRQ_DISABLED), Aml.NOWHERE), give(number(OFF))),
                give(number(PRESENT))),
            method("_DIS", 0, or(register, number(PIRQ_DISABLED), register)),
            method("_CRS", 0,
                wordField(path("BUFF"), 1, "IRQM"),
                and(register, number(0x0F), local(0)),
                shiftLeft(number(1), local(0), path("IRQM")),
                when(and(register, number(PIRQ_DISABLED), Aml.NOWHERE), store(number(0), path("IRQM"))),
                give(path("BUFF"))),
            method("_SRS", 1,
                wordField(arg(0), 1, "IRQM"),
                findSetRightBit(path("IRQM"), local(0)),
                decrement(local(0)),
                store(local(0), register)));
    }
}
