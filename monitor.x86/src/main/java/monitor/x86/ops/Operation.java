package monitor.x86.ops;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks the one method that gives an operation of the instruction table its meaning. The node generator writes the glue that
 * fetches the operands, calls the method and stores its result; the shape says what the method's parameters are.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Operation {
    /** Operation name in the table. */
    String value();

    Shape shape() default Shape.SCALAR;

    enum Shape {
        /**
         * {@code [long|void] f(Cpu, int width, [int condition,] long... operands)}: values zero-extended to their width; width is
         * that of the first operand; condition only for rows with +cc. What is returned goes to the first operand.
         */
        SCALAR,
        /** {@code [long|void] f(Cpu, long... operands [, int immediate])} on 64 bits: an MMX register, or each half of an XMM register. */
        LANE,
        /**
         * {@code void f(Cpu, int width, long[] to, int t, long[] from, int f [, int immediate])}: width is 128 for XMM registers (low
         * half at the index, high half after it) and 64 for MMX registers. {@code to} holds the old value and takes the new one;
         * both may be the same array, but the values at {@code f} stay as they were until {@code to} is written.
         */
        VECTOR,
        /** {@code void f(Cpu, Insn)}: does everything itself. */
        WHOLE
    }
}
