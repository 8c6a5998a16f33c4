package monitor.x86.interp;

/**
 * What is made of an instruction: a {@link Node}. Methods that choose one of hundreds of classes give it as this interface, so that
 * only those are loaded that are needed: for a class the JVM's verifier would load them all to see that they are of that class.
 */
interface AnyNode {}
