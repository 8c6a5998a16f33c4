package devices.pc.scsi;

import devices.pc.TestMachine;
import java.util.Random;
import java.util.function.IntConsumer;

/** What the drivers of the tests have in common. */
interface ScsiDriver {
    TestMachine pc();

    /** Resets the adapter and brings it up. */
    ScsiDriver start();

    /** Sends a command and does not wait for it. @param number 0 to 63, not under way */
    void send(int number, int target, String cdb, boolean write, long address, int bytes);

    /** Takes the ends of commands. @return all that it saw */
    String take(IntConsumer ended);

    /** Something else that drivers do. @return all that it saw */
    String otherwise(Random random);

    /** Is done before each access to a register from now on. */
    void meanwhile(Runnable task);
}
