// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * loop - is the code round an instruction pointer a loop that only waits for a word of memory?
 *
 * From the instruction pointer on, every path is followed within a small window. The instructions
 * from which the pointer can be reached again are the loop (its strongly connected component); what
 * only leaves it does not matter. The loop waits if each of its instructions is on a short list:
 * loads, compares, tests, jumps, pause, moves and arithmetic between registers, and exchange or
 * compare-and-exchange or a locked read-modify-write. A plain store, a call, a system call, a clock
 * read, a vector instruction, a thread-local operand: not a waiting loop, or not one that we
 * understand.
 */
#include <capstone/capstone.h>

#include "loop.h"

#define MAX_NODES 160
#define NONE	  -1

struct node {
	cs_insn insn;
	cs_detail detail;
	int next[2]; /* nodes that may come after, NONE outside the window */
	bool decoded, in_loop;
	bool is_target; /* some jump leads here: a new basic block */
};

struct graph {
	const u8 *code;
	u32 skip, valid;
	u64 ip;
	csh handle;
	struct node nodes[MAX_NODES];
	int nr;
};

static int node_at(struct graph *g, u64 address)
{
	for (int i = 0; i < g->nr; i++)
		if (g->nodes[i].insn.address == address)
			return i;
	return NONE;
}

/* Return: the node for @address, NONE outside the window or when there are too many. */
static int want(struct graph *g, u64 address)
{
	u64 first = g->ip - LOOP_BEFORE + g->skip;
	int i = node_at(g, address);

	if (i != NONE)
		return i;
	if (address < first || address >= first + g->valid || g->nr == MAX_NODES)
		return NONE;
	i = g->nr++;
	memset(&g->nodes[i], 0, sizeof(g->nodes[i]));
	g->nodes[i].insn.address = address;
	g->nodes[i].next[0] = g->nodes[i].next[1] = NONE;
	return i;
}

static void decode_node(struct graph *g, int i)
{
	struct node *n = &g->nodes[i];
	u64 address = n->insn.address;
	size_t offset = (size_t)(address - (g->ip - LOOP_BEFORE));
	const u8 *bytes = g->code + offset;
	size_t size = g->skip + g->valid - offset;
	const cs_x86_op *op;

	n->insn.detail = &n->detail;
	if (!cs_disasm_iter(g->handle, &bytes, &size, &address, &n->insn)) {
		n->insn.address = g->ip - LOOP_BEFORE + offset;
		return;
	}
	n->decoded = true;
	address = n->insn.address + n->insn.size;
	op = &n->detail.x86.operands[0];
	if (cs_insn_group(g->handle, &n->insn, CS_GRP_RET) ||
	    cs_insn_group(g->handle, &n->insn, CS_GRP_IRET))
		return;
	if (cs_insn_group(g->handle, &n->insn, CS_GRP_JUMP)) {
		if (n->detail.x86.op_count != 1 || op->type != X86_OP_IMM)
			return;
		n->next[1] = want(g, (u64)op->imm);
		if (n->next[1] != NONE)
			g->nodes[n->next[1]].is_target = true;
		if (n->insn.id == X86_INS_JMP)
			return;
	}
	n->next[0] = want(g, address);
}

/* What can come back to node 0: followed backwards until nothing is added. */
static void mark_loop(struct graph *g)
{
	bool again = true;

	for (int i = 0; i < g->nr; i++)
		for (int j = 0; j < 2; j++)
			if (g->nodes[i].next[j] == 0)
				g->nodes[i].in_loop = true;
	while (again) {
		again = false;
		for (int i = 0; i < g->nr; i++) {
			struct node *n = &g->nodes[i];

			for (int j = 0; j < 2 && !n->in_loop; j++)
				if (n->next[j] != NONE && g->nodes[n->next[j]].in_loop)
					again = n->in_loop = true;
		}
	}
}

/* Every name of a general register, as the whole register. */
static u8 reg_of(unsigned int reg)
{
	static const struct {
		u16 names[5];
		u8 reg;
	} map[] = {
		{ { X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH }, LAB_REG_AX },
		{ { X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH }, LAB_REG_DX },
		{ { X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH }, LAB_REG_CX },
		{ { X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH }, LAB_REG_BX },
		{ { X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL }, LAB_REG_SI },
		{ { X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL }, LAB_REG_DI },
		{ { X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL }, LAB_REG_BP },
		{ { X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL }, LAB_REG_SP },
		{ { X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B }, LAB_REG_R8 },
		{ { X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B }, LAB_REG_R9 },
		{ { X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B }, LAB_REG_R10 },
		{ { X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B }, LAB_REG_R11 },
		{ { X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B }, LAB_REG_R12 },
		{ { X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B }, LAB_REG_R13 },
		{ { X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B }, LAB_REG_R14 },
		{ { X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B }, LAB_REG_R15 },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		for (int j = 0; j < 5; j++)
			if (map[i].names[j] && map[i].names[j] == reg)
				return map[i].reg;
	return LOOP_NO_REG;
}

enum effect {
	FORBIDDEN,
	NOTHING, /* jumps, nops, pause */
	COMPUTES, /* first operand from the others alone (or an idempotent change of it) */
	ACCUMULATES, /* first operand from its old value too */
	COMPARES, /* flags only */
	EXCHANGES, /* read-modify-write of the first operand */
};

static enum effect effect_of(csh handle, const cs_insn *insn)
{
	bool locked = insn->detail->x86.prefix[0] == X86_PREFIX_LOCK;

	if (cs_insn_group(handle, insn, CS_GRP_JUMP))
		return insn->id == X86_INS_JRCXZ || insn->id == X86_INS_JECXZ ||
				       insn->id == X86_INS_LOOP || insn->id == X86_INS_LOOPE ||
				       insn->id == X86_INS_LOOPNE
			       ? FORBIDDEN
			       : NOTHING;
	switch (insn->id) {
	case X86_INS_NOP:
	case X86_INS_PAUSE:
	case X86_INS_ENDBR64:
	case X86_INS_LFENCE:
	case X86_INS_MFENCE:
		return NOTHING;
	case X86_INS_CMP:
	case X86_INS_TEST:
		return COMPARES;
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
	case X86_INS_LEA:
	case X86_INS_SETE:
	case X86_INS_SETNE:
	case X86_INS_SETG:
	case X86_INS_SETGE:
	case X86_INS_SETL:
	case X86_INS_SETLE:
	case X86_INS_SETA:
	case X86_INS_SETAE:
	case X86_INS_SETB:
	case X86_INS_SETBE:
	case X86_INS_SETS:
	case X86_INS_SETNS:
		return COMPUTES;
	case X86_INS_BT:
		return insn->detail->x86.operands[1].type == X86_OP_IMM ||
				       insn->detail->x86.operands[0].type == X86_OP_REG
			       ? COMPARES
			       : FORBIDDEN; /* reaches beyond its operand */
	case X86_INS_XCHG:
	case X86_INS_CMPXCHG:
		return EXCHANGES;
	case X86_INS_AND:
	case X86_INS_OR:
	case X86_INS_XOR:
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_INC:
	case X86_INS_DEC:
	case X86_INS_NEG:
	case X86_INS_NOT:
	case X86_INS_SHL:
	case X86_INS_SHR:
	case X86_INS_SAR:
	case X86_INS_CDQE:
	case X86_INS_CWDE:
	case X86_INS_XADD:
	case X86_INS_BTS:
	case X86_INS_BTR:
		return locked ? EXCHANGES : ACCUMULATES;
	default:
		return FORBIDDEN;
	}
}

static bool same_place(const struct loop_operand *a, const struct loop_operand *b)
{
	return a->base == b->base && a->index == b->index && a->scale == b->scale &&
	       a->disp == b->disp && a->via == b->via;
}

/* Return: index of the operand, LOOP_NO_REG if there are too many. */
static u8 add_operand(struct loop_shape *s, const struct loop_operand *o)
{
	for (u32 i = 0; i < s->nr_operands; i++) {
		struct loop_operand *known = &s->operands[i];

		if (!same_place(known, o))
			continue;
		known->is_modified |= o->is_modified;
		known->is_pointer |= o->is_pointer;
		if (o->takes_with != LOOP_NO_REG)
			known->takes_with = o->takes_with;
		if (o->size > known->size)
			known->size = o->size;
		return (u8)i;
	}
	if (s->nr_operands == LOOP_MAX_OPERANDS)
		return LOOP_NO_REG;
	s->operands[s->nr_operands] = *o;
	return (u8)s->nr_operands++;
}

static bool place_of(const struct node *n, const cs_x86_op *op, struct loop_operand *o)
{
	*o = (struct loop_operand){
		.disp = op->mem.disp,
		.base = LOOP_NO_REG,
		.index = LOOP_NO_REG,
		.scale = (u8)op->mem.scale,
		.via = LOOP_NO_REG,
		.size = op->size,
		.takes_with = LOOP_NO_REG,
	};
	if (op->mem.segment != X86_REG_INVALID || n->detail.x86.addr_size != 8)
		return false;
	if (op->size != 1 && op->size != 2 && op->size != 4 && op->size != 8)
		return false;
	if (op->mem.base == X86_REG_RIP) {
		o->disp += (s64)(n->insn.address + n->insn.size);
	} else if (op->mem.base != X86_REG_INVALID) {
		o->base = reg_of(op->mem.base);
		if (o->base == LOOP_NO_REG)
			return false;
	}
	if (op->mem.index != X86_REG_INVALID) {
		o->index = reg_of(op->mem.index);
		if (o->index == LOOP_NO_REG)
			return false;
	} else {
		o->scale = 1;
	}
	return true;
}

static int node_before(const struct graph *g, const struct node *n)
{
	for (int i = 0; i < g->nr; i++)
		if (g->nodes[i].in_loop &&
		    g->nodes[i].insn.address + g->nodes[i].insn.size == n->insn.address)
			return i;
	return NONE;
}

/*
 * The general registers that an instruction writes. Capstone's own list, and what the instructions
 * admitted here are known to write: its tables have had gaps.
 */
static u32 written_by(csh handle, const cs_insn *insn, bool *is_understood)
{
	enum effect effect = effect_of(handle, insn);
	const cs_x86 *x = &insn->detail->x86;
	cs_regs read, written;
	u8 nr_read, nr_written;
	u32 mask = 0;

	*is_understood = !cs_regs_access(handle, insn, read, &nr_read, written, &nr_written);
	for (u8 i = 0; *is_understood && i < nr_written; i++) {
		u8 reg = reg_of(written[i]);

		if (reg != LOOP_NO_REG)
			mask |= 1u << reg;
		else if (written[i] != X86_REG_EFLAGS && written[i] != X86_REG_RIP &&
			 written[i] != X86_REG_EIP)
			*is_understood = false;
	}
	if (effect == NOTHING || effect == COMPARES)
		return mask;
	for (u8 i = 0; i < x->op_count; i++) {
		u8 reg = x->operands[i].type == X86_OP_REG ? reg_of(x->operands[i].reg)
							   : LOOP_NO_REG;
		bool is_written = i == 0 || insn->id == X86_INS_XCHG || insn->id == X86_INS_XADD;

		if (reg != LOOP_NO_REG && is_written)
			mask |= 1u << reg;
	}
	if (insn->id == X86_INS_CMPXCHG || insn->id == X86_INS_CDQE || insn->id == X86_INS_CWDE)
		mask |= 1u << LAB_REG_AX;
	return mask;
}

/*
 * The base register is loaded in the loop, as code that was not optimised does: mov -8(%rbp),%rax;
 * mov (%rax),%eax. Within one basic block the load before it says where the pointer lies; anything
 * further back is not followed.
 */
static bool add_pointer(const struct graph *g, struct loop_shape *s, const struct node *n,
			struct loop_operand *o)
{
	const struct node *at = n;

	while (!at->is_target) {
		int before = node_before(g, at);
		struct loop_operand pointer;
		bool is_understood;
		const cs_x86 *x;

		if (before == NONE)
			return false;
		at = &g->nodes[before];
		x = &at->detail.x86;
		if (cs_insn_group(g->handle, &at->insn, CS_GRP_JUMP))
			return false;
		if (!(written_by(g->handle, &at->insn, &is_understood) & 1u << o->base))
			continue;
		if (at->insn.id != X86_INS_MOV || x->operands[1].type != X86_OP_MEM ||
		    x->operands[1].size != 8)
			return false;
		if (!place_of(at, &x->operands[1], &pointer))
			return false;
		if ((pointer.base != LOOP_NO_REG && (s->written & 1u << pointer.base)) ||
		    (pointer.index != LOOP_NO_REG && (s->written & 1u << pointer.index)))
			return false;
		pointer.is_pointer = true;
		o->via = add_operand(s, &pointer);
		o->base = LOOP_NO_REG;
		return o->via != LOOP_NO_REG;
	}
	return false;
}

static bool use_memory(const struct graph *g, struct loop_shape *s, const struct node *n,
		       enum effect effect, u8 which)
{
	const cs_x86_op *op = &n->detail.x86.operands[which];
	struct loop_operand o;

	if (n->insn.id == X86_INS_LEA || n->insn.id == X86_INS_NOP)
		return true;
	/* Only an atomic may store; capstone lists xchg's memory in either place. */
	if (effect == EXCHANGES) {
		if (which != 0 && n->insn.id != X86_INS_XCHG)
			return false;
	} else if (which == 0 && effect != COMPARES) {
		return false;
	}
	if (!place_of(n, op, &o))
		return false;
	if (o.index != LOOP_NO_REG && (s->written & 1u << o.index))
		return false;
	if (o.base != LOOP_NO_REG && (s->written & 1u << o.base) && !add_pointer(g, s, n, &o))
		return false;
	o.is_modified = effect == EXCHANGES;
	if (n->insn.id == X86_INS_CMPXCHG && n->detail.x86.operands[1].type == X86_OP_REG)
		o.takes_with = reg_of(n->detail.x86.operands[1].reg);
	return add_operand(s, &o) != LOOP_NO_REG;
}

static bool note_registers(const struct graph *g, struct loop_shape *s, const struct node *n,
			   enum effect effect)
{
	const cs_x86 *x = &n->detail.x86;
	bool is_understood;

	s->written |= written_by(g->handle, &n->insn, &is_understood);
	if (!is_understood)
		return false;
	if (s->written & 1u << LAB_REG_SP)
		return false;
	if (effect != ACCUMULATES)
		return true;
	/* x ^ x and x - x forget x; and, or with a constant come to rest at once. */
	if ((n->insn.id == X86_INS_XOR || n->insn.id == X86_INS_SUB) &&
	    x->operands[0].type == X86_OP_REG && x->operands[1].type == X86_OP_REG &&
	    x->operands[0].reg == x->operands[1].reg)
		return true;
	if ((n->insn.id == X86_INS_AND || n->insn.id == X86_INS_OR) &&
	    x->operands[1].type == X86_OP_IMM)
		return true;
	s->accumulates = true;
	return true;
}

static bool understand(const struct graph *g, struct loop_shape *s)
{
	for (int i = 0; i < g->nr; i++) {
		const struct node *n = &g->nodes[i];
		enum effect effect;

		if (!n->in_loop)
			continue;
		if (!n->decoded || s->nr_code == LOOP_MAX_CODE)
			return false;
		effect = effect_of(g->handle, &n->insn);
		if (effect == FORBIDDEN || !note_registers(g, s, n, effect))
			return false;
		s->code[s->nr_code++] = (s16)(n->insn.address - g->ip);
	}
	/* Only now is it known which registers hold still. */
	for (int i = 0; i < g->nr; i++) {
		const struct node *n = &g->nodes[i];

		for (u8 j = 0; n->in_loop && j < n->detail.x86.op_count; j++)
			if (n->detail.x86.operands[j].type == X86_OP_MEM &&
			    !use_memory(g, s, n, effect_of(g->handle, &n->insn), j))
				return false;
	}
	return s->nr_operands > 0;
}

void loop_decode(const u8 *code, u32 skip, u32 valid, u64 ip, struct loop_shape *shape)
{
	static struct graph graph; /* too large for a stack; one at a time */
	struct graph *g = &graph;

	memset(shape, 0, sizeof(*shape));
	if (skip > LOOP_BEFORE || valid > LOOP_BEFORE + LOOP_AFTER - skip ||
	    skip + valid <= LOOP_BEFORE)
		return;
	*g = (struct graph){ .code = code, .skip = skip, .valid = valid, .ip = ip };
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &g->handle))
		return;
	cs_option(g->handle, CS_OPT_DETAIL, CS_OPT_ON);
	if (want(g, ip) == 0) {
		for (int i = 0; i < g->nr; i++)
			decode_node(g, i);
		mark_loop(g);
		shape->waits = g->nodes[0].in_loop && understand(g, shape);
	}
	if (!shape->waits)
		memset(shape, 0, sizeof(*shape));
	cs_close(&g->handle);
}

bool loop_is_sane(const struct loop_shape *s)
{
	if (s->nr_operands > LOOP_MAX_OPERANDS || s->nr_code > LOOP_MAX_CODE || !s->nr_operands ||
	    !s->nr_code)
		return false;
	if (s->written >> LAB_REG_IP)
		return false;
	for (u32 i = 0; i < s->nr_operands; i++) {
		const struct loop_operand *o = &s->operands[i];

		if ((o->base >= LAB_REG_IP && o->base != LOOP_NO_REG) ||
		    (o->index >= LAB_REG_IP && o->index != LOOP_NO_REG) ||
		    (o->takes_with >= LAB_REG_IP && o->takes_with != LOOP_NO_REG))
			return false;
		/* A pointer is added before what is reached by it: no circle. */
		if (o->via != LOOP_NO_REG && (o->via >= i || !s->operands[o->via].is_pointer))
			return false;
		if (o->size != 1 && o->size != 2 && o->size != 4 && o->size != 8)
			return false;
	}
	return true;
}
