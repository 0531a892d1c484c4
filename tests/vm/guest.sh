#!/bin/sh
# Inside the virtual machine: makes its devices ready, runs the tests, leaves their verdict in /run/results and turns it off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1 TAPLEDGER_IN_VM=1
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add
modprobe dummy_hcd num=4
modprobe -a uinput libcomposite usb_f_hid usb_f_acm usb_f_printer usbhid hid-generic cdc_acm usblp bochs
modprobe vfb vfb_enable=1 mode_option=640x480-16
mount -t configfs configfs /sys/kernel/config
udevadm settle
# The tree cannot be written to, and the tests have no need to.
cd /run/project
site=$(echo .venv/lib/python3*/site-packages)
eval "set -- $(cat /run/results/arguments)"
PYTHONPATH=/run/project:/run/project/$site python3 -m pytest -p no:cacheprovider --numprocesses 0 --color no tests/vm/kernel "$@"
echo $? >/run/results/verdict
sync
# There is no init to ask: the kernel itself is told to turn the machine off (Documentation/admin-guide/sysrq.rst).
echo o >/proc/sysrq-trigger
while true; do :; done
