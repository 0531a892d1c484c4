/* vpcd as the driver of a USB reader: pcscd names such a reader `usb:...`, which vpcd does not understand (it takes it for
 * a machine to connect to). What is not defined here is vpcd's own, to which this library is linked. */

extern long IFDHCreateChannel(unsigned long lun, unsigned long port);

long IFDHCreateChannelByName(unsigned long lun, const char *name)
{
    (void)name;
    return IFDHCreateChannel(lun, 35963);
}
