# atlas.gdb: commands for a debugger attached to the kernel (make gdb).
#
#	tasks           the tasks: id, name, map, threads
#	map MAP         the entries of a map, an expression without blanks: after
#	                `tasks`, $t is the last task, so `map $t->map`
#	harts           the harts and what each runs
#	early           symbols for the code that runs before paging is on
#	crash           stop where the kernel reports a crash
#
# The kernel is linked at 0xffffffff80000000; those addresses exist once paging
# is on, so the first breakpoint must be a hardware one (hbreak kernel_main).

set pagination off
set print pretty on
set architecture riscv:rv64
set confirm off

define tasks
  set $head = &tasks
  set $l = $head->next
  while $l != $head
    set $t = (struct task *)((char *)$l - (unsigned long)&((struct task *)0)->link)
    printf "%-4lu %-20s task %p map %p threads %u references %u\n", $t->id, $t->name, $t, $t->map, $t->nthreads, $t->ref_count
    set $l = $l->next
  end
end
document tasks
The tasks in the order in which they were made.
end

define map
  set $m = (struct vm_map *)($arg0)
  set $end = (struct vm_map_entry *)&$m->hdr.links
  set $e = $m->hdr.links.next
  printf "map %lu: 0x%lx-0x%lx, %lu bytes, version %lu, references %u\n", $m->id, $m->hdr.links.start, $m->hdr.links.end, $m->size, $m->timestamp, $m->ref_count
  while $e != $end
    printf "  0x%016lx-0x%016lx prot %d/%d inherit %d object %p offset 0x%lx\n", $e->links.start, $e->links.end, $e->protection, $e->max_protection, $e->inheritance, $e->object.vm_object, $e->offset
    set $e = $e->links.next
  end
end
document map
The entries of a vm_map: map MAP
end

define harts
  set $i = 0
  while $i < hart_count
    set $h = &harts[$i]
    printf "hart %d id %lu online %u thread %p pmap %p ticks %lu\n", $i, $h->hartid, $h->online, $h->thread, $h->pmap, $h->heartbeat
    set $i = $i + 1
  end
end
document harts
The harts and what each runs.
end

define early
  add-symbol-file build/atlas.elf -o (0x80200000 - 0xffffffff80000000)
end
document early
Symbols at the physical addresses at which QEMU virt loads the kernel, for
stepping through entry.S and early.c: early, then hbreak *0x80200000.
end

define crash
  hbreak panic
  continue
end
document crash
Runs until the kernel panics.
end
