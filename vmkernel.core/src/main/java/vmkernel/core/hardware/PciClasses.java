package vmkernel.core.hardware;

import java.util.Map;
import vmkernel.api.hardware.PciId;

/** Words for devices that no table knows, by class code [PCI] Appendix D. */
final class PciClasses {
    private static final Map<Integer, String> SUBCLASSES = Map.ofEntries(Map.entry(0x0100, "SCSI storage controller"), Map.entry(0x0101, "IDE interface"),
        Map.entry(0x0104, "RAID bus controller"), Map.entry(0x0200, "Ethernet controller"), Map.entry(0x0300, "VGA compatible controller"),
        Map.entry(0x0600, "Host bridge"), Map.entry(0x0601, "ISA bridge"), Map.entry(0x0604, "PCI bridge"), Map.entry(0x0C03, "USB controller"));
    private static final String[] CLASSES = {"Unclassified device", "Mass storage controller", "Network controller", "Display controller",
        "Multimedia controller", "Memory controller", "Bridge", "Communication controller", "System peripheral", "Input device"};

    private PciClasses() {}

    static String describe(PciId id) {
        int base = id.classCode() >> 16;
        return SUBCLASSES.getOrDefault(id.classCode() >> 8, base < CLASSES.length ? CLASSES[base] : "Device of class " + Integer.toHexString(base));
    }
}
