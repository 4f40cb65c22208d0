// SPDX-License-Identifier: GPL-2.0-only
/* /dev/bulkhead, and the module's init and exit. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <net/genetlink.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "bulkhead.h"
#include "kvm.h"

/* A minor for local use, so that the device's node exists before the module is loaded. */
#define BULKHEAD_MINOR	246

static int console_open(const void __user *uarg)
{
	struct bulkhead_console_open args;
	struct bulkhead_part *part;
	int ret;

	ret = bulkhead_arg_in(&args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved)
		return -EINVAL;
	part = bulkhead_part_find(args.id);
	if (IS_ERR(part))
		return PTR_ERR(part);
	if (uid_eq(part->owner, current_uid()) || capable(CAP_SYS_ADMIN))
		ret = bulkhead_uart_open(part, BULKHEAD_UART_CONSOLE);
	else
		ret = -EPERM;
	if (ret < 0)
		bulkhead_part_put(part);
	return ret;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case BULKHEAD_PART_CREATE:
		return bulkhead_part_create(uarg);
	case BULKHEAD_CONSOLE_OPEN:
		return console_open(uarg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice dev = {
	.minor = BULKHEAD_MINOR,
	.name = "bulkhead",
	.mode = 0660,
	.fops = &dev_fops,
};

static int __init bulkhead_init(void)
{
	int ret;

	ret = bulkhead_kvm_init();
	if (ret)
		return ret;
	ret = bulkhead_netlink_init();
	if (ret)
		goto exit_kvm;
	ret = misc_register(&dev);
	if (ret)
		goto exit_netlink;
	return 0;

exit_netlink:
	bulkhead_netlink_exit();
exit_kvm:
	bulkhead_kvm_exit();
	return ret;
}

static void __exit bulkhead_exit(void)
{
	misc_deregister(&dev);
	bulkhead_netlink_exit();
	bulkhead_kvm_exit();
}

module_init(bulkhead_init);
module_exit(bulkhead_exit);

MODULE_DESCRIPTION("Partitions with a kernel of their own, on top of KVM");
MODULE_LICENSE("GPL");
MODULE_ALIAS_MISCDEV(BULKHEAD_MINOR);
MODULE_ALIAS("devname:bulkhead");
MODULE_ALIAS_GENL_FAMILY(BULKHEAD_FAMILY_NAME);
MODULE_SOFTDEP("pre: kvm-amd kvm-intel");
