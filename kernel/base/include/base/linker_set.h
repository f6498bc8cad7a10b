/*
 * base/linker_set.h: sets of pointers that files add to by themselves.
 *
 * SET_ADD(commands, &cmd_peek) in any file puts the pointer between
 * __start_set_commands and __stop_set_commands. Pointers, not structures: a
 * pointer has one size and one alignment, so the array has no holes. `used`
 * and `retain` keep compiler and linker from dropping the member; the linker
 * script KEEPs set_* sections. The order in a set is the linker's: sort
 * before showing it.
 */
#ifndef BASE_LINKER_SET_H
#define BASE_LINKER_SET_H

#define SET_ADD(set, pointer) SET_ADD_(set, pointer, __COUNTER__)
#define SET_ADD_(set, pointer, n) SET_ADD__(set, pointer, n)
#define SET_ADD__(set, pointer, n) \
	static const void *const set_##set##_##n \
	    __attribute__((used, section("set_" #set))) = (pointer)

#define SET_DECLARE(set, type) \
	extern type *const __start_set_##set[] __attribute__((weak)); \
	extern type *const __stop_set_##set[] __attribute__((weak))

#define SET_FOREACH(p, set) \
	for ((p) = __start_set_##set; (p) < __stop_set_##set; (p)++)
#define SET_COUNT(set) ((size_t)(__stop_set_##set - __start_set_##set))

#endif
