/** Driver for Intel 8255x network adapters. */
package drivers.e100;
