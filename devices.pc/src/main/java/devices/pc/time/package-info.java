/** 8254 timer and MC146818 clock, on guest time; late ticks are delivered, not dropped. */
package devices.pc.time;
