/* hashes.h: what build/host/grid --write found, for test/user/grid.c. Made, not written. */
static const uint64_t grid_golden[3][GRID_CALLS] = {
	{
		0x2f6c754ed25e0513ul,	/* vm_allocate */
		0x8cd16c546dea2d08ul,	/* vm_deallocate */
		0xd00f6d37a8951b1bul,	/* vm_protect */
		0xb8b41419722304bful,	/* vm_inherit */
		0x4a02a2c063ca41edul,	/* vm_read */
		0xe6242bcaa8d96811ul,	/* vm_read_overwrite */
		0xff1d51bf9f0f25a4ul,	/* vm_write */
		0xb00a12029f993628ul,	/* vm_copy */
		0x1dfac6f42e30f767ul,	/* vm_map */
		0xd34aa65ab495a38cul,	/* vm_region */
		0xf171645e878a26d8ul,	/* vm_remap */
		0xed5db751215e8b2bul,	/* vm_remap_new */
		0x63a3b36f40e84cfcul,	/* vm_wire */
		0xcd0bca8bc7a1e164ul,	/* task_wire */
		0x4654400031abf8d6ul,	/* vm_behavior_set */
		0xa138faa5a1283c81ul,	/* vm_msync */
		0x20064eb7911a8915ul,	/* vm_machine_attribute */
		0x9624c332b08b7065ul,	/* vm_region_flavor */
		0xbfdeeec6675f9a1dul,	/* vm_region_recurse */
		0x9901e1bbd7d99812ul,	/* vm_map_page_query */
		0xa80dfc6e31cdee14ul,	/* vm_map_page_range_query */
		0xcf9825bc6696c9d0ul,	/* vm_read_list */
		0x1ac0ee633933247bul,	/* vm_map_entry */
		0x83e454c0a4023bd1ul,	/* mach_make_memory_entry */
		0xb6d37256b20d8c8bul,	/* vm_region_object_create */
		0x4fccdde0cec5705cul,	/* mach_memory_object_memory_entry */
	},
	{
		0x29856446effadba4ul,	/* vm_allocate */
		0x2b8b5dbf600810b8ul,	/* vm_deallocate */
		0xaccb95cc0013eae4ul,	/* vm_protect */
		0x02086fa03b96dfd1ul,	/* vm_inherit */
		0xe05422164b236972ul,	/* vm_read */
		0x9e63a6edaa5eb004ul,	/* vm_read_overwrite */
		0x37786836c4bca448ul,	/* vm_write */
		0x07a8c408867b4927ul,	/* vm_copy */
		0xa96178015d6d86b1ul,	/* vm_map */
		0xd34aa65ab495a38cul,	/* vm_region */
		0xc77e6261809f187bul,	/* vm_remap */
		0xed5db751215e8b2bul,	/* vm_remap_new */
		0xb28034882793bde7ul,	/* vm_wire */
		0xcd0bca8bc7a1e164ul,	/* task_wire */
		0x6dfea0bd7003d5c7ul,	/* vm_behavior_set */
		0x6b054784f7728575ul,	/* vm_msync */
		0xb3cdfde83c27614eul,	/* vm_machine_attribute */
		0x9624c332b08b7065ul,	/* vm_region_flavor */
		0xbfdeeec6675f9a1dul,	/* vm_region_recurse */
		0x9901e1bbd7d99812ul,	/* vm_map_page_query */
		0xbc173896ed69658bul,	/* vm_map_page_range_query */
		0xd64b1078cb365437ul,	/* vm_read_list */
		0x12f02921d8c61568ul,	/* vm_map_entry */
		0xeda3ffc219f1cc85ul,	/* mach_make_memory_entry */
		0xb6d37256b20d8c8bul,	/* vm_region_object_create */
		0x23f477d603c7ab8eul,	/* mach_memory_object_memory_entry */
	},
	{
		0x3a55ffa1b9a2fe9dul,	/* vm_allocate */
		0x2b8b5dbf600810b8ul,	/* vm_deallocate */
		0xe5934fbc594245a9ul,	/* vm_protect */
		0x02086fa03b96dfd1ul,	/* vm_inherit */
		0x5c40eef213d3fb82ul,	/* vm_read */
		0xbd46c0d76415ed8aul,	/* vm_read_overwrite */
		0x2b93859cad78b084ul,	/* vm_write */
		0x6c2e87b37a1595ebul,	/* vm_copy */
		0x6f1bdcb0dd0aad45ul,	/* vm_map */
		0xd34aa65ab495a38cul,	/* vm_region */
		0x8ed46da54fced976ul,	/* vm_remap */
		0xed5db751215e8b2bul,	/* vm_remap_new */
		0xcc74c5a35bf238aaul,	/* vm_wire */
		0xcd0bca8bc7a1e164ul,	/* task_wire */
		0xb3ed8bff12156ea2ul,	/* vm_behavior_set */
		0x3627794e429b3085ul,	/* vm_msync */
		0x49a6aa0ea3e456d7ul,	/* vm_machine_attribute */
		0x9624c332b08b7065ul,	/* vm_region_flavor */
		0xbfdeeec6675f9a1dul,	/* vm_region_recurse */
		0x9901e1bbd7d99812ul,	/* vm_map_page_query */
		0x4694dac9ba7708cbul,	/* vm_map_page_range_query */
		0x05cc2af124c2530eul,	/* vm_read_list */
		0x12f02921d8c61568ul,	/* vm_map_entry */
		0x3862700e7a3970bcul,	/* mach_make_memory_entry */
		0xb6d37256b20d8c8bul,	/* vm_region_object_create */
		0x23f477d603c7ab8eul,	/* mach_memory_object_memory_entry */
	},
};
