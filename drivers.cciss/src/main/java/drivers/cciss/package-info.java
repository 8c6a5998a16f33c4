/** Driver for Smart Array controllers. */
package drivers.cciss;
