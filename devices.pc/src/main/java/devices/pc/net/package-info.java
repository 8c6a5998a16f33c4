/** Network adapters. */
package devices.pc.net;
