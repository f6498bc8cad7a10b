# boot.scr: for a U-Boot that looks for scripts and not for extlinux.conf.
# It says where it found this one: devtype, devnum, distro_bootpart, prefix.
setenv bootargs @APPEND@
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} ${prefix}atlas.img
if load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk_addr_r} ${prefix}initrd.cpio; then
	booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}
else
	booti ${kernel_addr_r} - ${fdtcontroladdr}
fi
