package drivers.cciss;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.storage.LogicalUnit;

/** Finds the volumes of a controller [CISSR], and what they are [SPC] [SBC]. One thread at a time. */
final class Discovery {
    private static final int INQUIRY_BYTES = 36, CAPACITY10_BYTES = 8, CAPACITY16_BYTES = 32, MODE_BYTES = 4, STATUS_BYTES = 512;
    private static final int ENTRY = 8; // bytes of one address in a list, and of the list's header
    private static final int ADDRESS_MODE = 3 << 30, LOGICAL = 1 << 30;
    private static final int WRITE_PROTECTED = 0x80; // of the device-specific parameter in a mode header
    private static final long BEYOND_10 = 0xFFFF_FFFFL;
    private static final String[] STATUS = {"ok", "failed", "not configured", "recovering for now", "ready to recover", "recovering"};

    private final Dialog dialog;
    private final int maxBytes;

    Discovery(Dialog dialog, int maxBytes) {
        this.dialog = dialog;
        this.maxBytes = maxBytes;
    }

    /** Addresses of the volumes, without doubles. LIMIT: the first 1023. @throws DriverException in one line if the controller does not list them */
    List<Long> addresses() throws DriverException {
        Dialog.Answer answer = dialog.ask(Dialog.CONTROLLER, Cdb.reportLogical(Dialog.MOST), Dialog.MOST);
        if (!answer.good()) throw new DriverException("the controller does not list its volumes (" + answer + ")");
        ByteBuffer list = ByteBuffer.wrap(dialog.data(answer.bytes()));
        List<Long> addresses = new ArrayList<>();
        if (list.remaining() < ENTRY) return addresses;
        long length = Math.min(list.getInt(0) & 0xFFFF_FFFFL, list.remaining() - ENTRY);
        for (int at = ENTRY; at + ENTRY <= ENTRY + length; at += ENTRY) {
            long address = Long.reverseBytes(list.getLong(at));
            if (((int) address & ADDRESS_MODE) == LOGICAL && !addresses.contains(address)) addresses.add(address);
        }
        return addresses;
    }

    /** Looks at one volume; null if there is nothing that holds blocks. */
    Volume look(long address) throws DriverException {
        Dialog.Answer answer = dialog.ask(address, Cdb.inquiry(INQUIRY_BYTES), INQUIRY_BYTES);
        byte[] inquiry = answer.good() && answer.bytes() >= INQUIRY_BYTES ? dialog.data(INQUIRY_BYTES) : new byte[INQUIRY_BYTES];
        if (inquiry[0] != 0) return null; // not there, or no disk
        int target = Volume.number(address);
        String vendor = text(inquiry, 8, 8), model = text(inquiry, 16, 16), revision = text(inquiry, 32, 4);
        Dialog.Answer ready = dialog.ask(address, Cdb.testUnitReady(), 0);
        long[] capacity = ready.good() ? capacity(address) : null;
        if (capacity == null) {
            String trouble = (ready.good() ? "no capacity that can be served" : ready.toString()) + status(address);
            return new Volume(address, new LogicalUnit(target, 0, 0, 512, false, vendor, model, revision), trouble);
        }
        return new Volume(address, new LogicalUnit(target, 0, capacity[0], (int) capacity[1], readOnly(address), vendor, model, revision), "");
    }

    /** Blocks and bytes of each; null if that cannot be known or served. */
    private long[] capacity(long address) throws DriverException {
        Dialog.Answer answer = dialog.ask(address, Cdb.readCapacity10(), CAPACITY10_BYTES);
        if (!answer.good() || answer.bytes() < CAPACITY10_BYTES) return null;
        ByteBuffer data = ByteBuffer.wrap(dialog.data(CAPACITY10_BYTES));
        long last = data.getInt() & 0xFFFF_FFFFL;
        if (last == BEYOND_10) {
            answer = dialog.ask(address, Cdb.readCapacity16(CAPACITY16_BYTES), CAPACITY16_BYTES);
            if (!answer.good() || answer.bytes() < 12) return null;
            data = ByteBuffer.wrap(dialog.data(12));
            last = data.getLong();
        }
        int blockBytes = data.getInt();
        if (last < 0 || last >= Long.MAX_VALUE / Math.max(1, blockBytes)) return null;
        return blockBytes >= 512 && blockBytes <= maxBytes && Integer.bitCount(blockBytes) == 1 ? new long[] {last + 1, blockBytes} : null;
    }

    private boolean readOnly(long address) throws DriverException {
        Dialog.Answer answer = dialog.ask(address, Cdb.modeSense6(MODE_BYTES), MODE_BYTES);
        return answer.good() && answer.bytes() >= MODE_BYTES && (dialog.data(MODE_BYTES)[2] & WRITE_PROTECTED) != 0;
    }

    /** What the controller says of a volume, for people; empty if it says nothing. */
    private String status(long address) throws DriverException {
        Dialog.Answer answer = dialog.ask(Dialog.CONTROLLER, Cdb.volumeStatus(Volume.number(address), STATUS_BYTES), STATUS_BYTES);
        if (!answer.good() || answer.bytes() == 0) return "";
        int status = dialog.data(1)[0] & 0xFF;
        return ", volume status " + (status < STATUS.length ? STATUS[status] : status);
    }

    private static String text(byte[] data, int offset, int length) {
        StringBuilder text = new StringBuilder(new String(data, offset, length, StandardCharsets.US_ASCII));
        for (int i = 0; i < length; i++) if (text.charAt(i) < ' ' || text.charAt(i) > '~') text.setCharAt(i, ' ');
        return text.toString().strip();
    }
}
