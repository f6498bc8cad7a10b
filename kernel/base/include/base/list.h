/*
 * base/list.h: doubly linked circular lists through a link in the member.
 *
 * The head is a link like any other, so insertion and removal have no special
 * cases. A link that is on no list is undefined; list_init makes it point to
 * itself. The lists have no lock of their own.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <base/types.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }

static inline void
list_insert_after(struct list *at, struct list *l)
{
	l->next = at->next;
	l->prev = at;
	at->next->prev = l;
	at->next = l;
}

static inline void list_push_back(struct list *h, struct list *l) { list_insert_after(h->prev, l); }
static inline void list_push_front(struct list *h, struct list *l) { list_insert_after(h, l); }

static inline void
list_remove(struct list *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
}

#define list_entry(l, type, member)     container_of(l, type, member)
#define list_first(h, type, member)     list_entry((h)->next, type, member)
#define list_foreach(l, h)              for ((l) = (h)->next; (l) != (h); (l) = (l)->next)
/* `l` may be removed in the body; `n` is scratch. */
#define list_foreach_safe(l, n, h) \
	for ((l) = (h)->next, (n) = (l)->next; (l) != (h); (l) = (n), (n) = (l)->next)

#endif
