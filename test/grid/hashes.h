/* hashes.h: what build/host/grid --write found, for test/user/grid.c. Made, not written. */
static const uint64_t grid_golden[3][GRID_CALLS] = {
	{
		0x319b3ae28c8fe695ul,	/* vm_allocate */
		0x8cd16c546dea2d08ul,	/* vm_deallocate */
		0xd00f6d37a8951b1bul,	/* vm_protect */
		0xb8b41419722304bful,	/* vm_inherit */
		0x4a02a2c063ca41edul,	/* vm_read */
		0xe6242bcaa8d96811ul,	/* vm_read_overwrite */
		0xff1d51bf9f0f25a4ul,	/* vm_write */
		0xb00a12029f993628ul,	/* vm_copy */
		0x768d630054235a3ful,	/* vm_map */
		0xd34aa65ab495a38cul,	/* vm_region */
	},
	{
		0xf691bcbee7ce8d01ul,	/* vm_allocate */
		0x2b8b5dbf600810b8ul,	/* vm_deallocate */
		0xaccb95cc0013eae4ul,	/* vm_protect */
		0x02086fa03b96dfd1ul,	/* vm_inherit */
		0xe05422164b236972ul,	/* vm_read */
		0x9e63a6edaa5eb004ul,	/* vm_read_overwrite */
		0x37786836c4bca448ul,	/* vm_write */
		0x07a8c408867b4927ul,	/* vm_copy */
		0xa430483ff97689cful,	/* vm_map */
		0xd34aa65ab495a38cul,	/* vm_region */
	},
	{
		0x3c4f9844a0104514ul,	/* vm_allocate */
		0x2b8b5dbf600810b8ul,	/* vm_deallocate */
		0xe5934fbc594245a9ul,	/* vm_protect */
		0x02086fa03b96dfd1ul,	/* vm_inherit */
		0x5c40eef213d3fb82ul,	/* vm_read */
		0xbd46c0d76415ed8aul,	/* vm_read_overwrite */
		0x2b93859cad78b084ul,	/* vm_write */
		0x6c2e87b37a1595ebul,	/* vm_copy */
		0x9bc7f503618f5d52ul,	/* vm_map */
		0xd34aa65ab495a38cul,	/* vm_region */
	},
};
