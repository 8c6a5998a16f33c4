/* COM1 through IRQ4 with a ring in each direction, and the line editor. [16550] IER, IIR, LSR. */
#include "console.h"

#define RING 1024               /* a power of two */

struct ring { volatile u32 in, out; u8 bytes[RING]; };
static struct ring received, sending;
static volatile u32 ctrl_c;

static u32 count(const struct ring *r) { return r->in - r->out; }
static void put(struct ring *r, u8 c) { r->bytes[r->in % RING] = c; r->in = r->in + 1; }
static u8 take(struct ring *r) { u8 c = r->bytes[r->out % RING]; r->out = r->out + 1; return c; }

static void transmit(void)
{
    for (u32 room = 16; room && count(&sending); room--)
        outb(COM1, take(&sending));
    outb(COM1 + 1, count(&sending) ? 3 : 1);
}

static void on_irq4(struct frame *f)
{
    (void) f;
    for (u8 cause; !((cause = inb(COM1 + 2)) & 1); ) {
        switch (cause & 0xf) {
        case 0x4: case 0xc:
            while (inb(COM1 + 5) & 1) {
                u8 c = inb(COM1);
                if (c == CTRL('C')) {   /* what was typed before it is void */
                    ctrl_c = 1;
                    received.out = received.in;
                }
                if (count(&received) < RING)
                    put(&received, c);
            }
            break;
        case 0x2:
            transmit();
            break;
        case 0x6:
            inb(COM1 + 5);
            break;
        default:
            inb(COM1 + 6);
        }
    }
    pic_eoi(4);
}

static u32 interrupts_on(void)
{
    u32 flags;
    __asm__ volatile("pushfl; popl %0" : "=r"(flags));
    return flags >> 9 & 1;
}

static void put_polled(u8 c)
{
    while (!(inb(COM1 + 5) & 0x20))
        ;
    outb(COM1, c);
}

/* With interrupts off (start, panic) everything that waits is sent by polling. */
static void send(u8 c)
{
    if (!interrupts_on()) {
        while (count(&sending))
            put_polled(take(&sending));
        put_polled(c);
        return;
    }
    for (;;) {
        cli();
        if (count(&sending) < RING)
            break;
        __asm__ volatile("sti; hlt");
    }
    put(&sending, c);
    outb(COM1 + 1, 3);          /* an empty transmitter interrupts at once */
    sti();
}

void put_char(char c)
{
    if (c == '\n')
        send('\r');
    send((u8) c);
}

void flush_output(void)
{
    for (;;) {
        cli();
        if (!count(&sending))
            break;
        __asm__ volatile("sti; hlt");
    }
    sti();
    while (!(inb(COM1 + 5) & 0x40))
        ;
}

void console_start(void)
{
    handlers[IRQ_BASE + 4] = on_irq4;
    outb(COM1 + 2, 0xc7);       /* FIFOs on and empty, trigger at 14 */
    outb(COM1 + 4, 0x0b);       /* DTR, RTS, OUT2: the way to the interrupt line */
    outb(COM1 + 1, 1);
}

u32 key_waiting(void) { return count(&received) != 0; }

u32 interrupted(void)
{
    cli();
    u32 was = ctrl_c;
    ctrl_c = 0;
    if (was && key_waiting() && received.bytes[received.out % RING] == CTRL('C'))
        take(&received);
    sti();
    return was;
}

static u8 read_byte(void)
{
    for (;;) {
        cli();
        if (key_waiting())
            break;
        __asm__ volatile("sti; hlt");
    }
    u8 c = take(&received);
    sti();
    return c;
}

/* The second and further bytes of an escape sequence come at once or not at all. */
static u32 next_of_sequence(void)
{
    u32 until = ticks + 10;
    while (!key_waiting() && (i32) (until - ticks) > 0)
        __asm__ volatile("hlt");
    return key_waiting() ? read_byte() : 0;
}

u32 read_key(void)
{
    u8 c = read_byte();
    if (c != 0x1b)
        return c;
    u32 kind = next_of_sequence();
    if (kind != '[' && kind != 'O')
        return 0x1b;
    u32 code = next_of_sequence(), key = 0x1b;
    switch (code) {
    case 'A': return KEY_UP;
    case 'B': return KEY_DOWN;
    case 'C': return KEY_RIGHT;
    case 'D': return KEY_LEFT;
    case 'H': return KEY_HOME;
    case 'F': return KEY_END;
    case '1': case '7': key = KEY_HOME; break;
    case '4': case '8': key = KEY_END; break;
    case '3': key = KEY_DELETE; break;
    }
    while (code && code != '~' && !(code >= 'A' && code <= 'z'))
        code = next_of_sequence();
    return key;
}

void pause_ticks(u32 n)
{
    u32 until = ticks + n;
    while ((i32) (until - ticks) > 0 && !key_waiting())
        __asm__ volatile("hlt");
}

/* ---- the line editor ---- */

#define HISTORY 16
static char history[HISTORY][LINE_BYTES];
static u32 remembered;

static void copy(char *to, const char *from)
{
    while ((*to++ = *from++))
        ;
}

struct edit { char *line; u32 length, at; };

static void back(u32 n) { while (n--) put_char('\b'); }

/* Draws from the cursor to the end plus some blanks where characters have gone. */
static void redraw(const struct edit *e, u32 blanks)
{
    for (u32 i = e->at; i < e->length; i++)
        put_char(e->line[i]);
    for (u32 i = 0; i < blanks; i++)
        put_char(' ');
    back(e->length - e->at + blanks);
}

static void erase(struct edit *e, u32 from, u32 to)
{
    back(e->at > from ? e->at - from : 0);
    for (u32 i = to; i <= e->length; i++)
        e->line[from + i - to] = e->line[i];
    e->length -= to - from;
    e->at = from;
    redraw(e, to - from);
}

static void insert(struct edit *e, char c)
{
    if (e->length + 1 >= LINE_BYTES)
        return;
    for (u32 i = e->length + 1; i > e->at; i--)
        e->line[i] = e->line[i - 1];
    e->line[e->at] = c;
    e->length++;
    put_char(c);
    e->at++;
    redraw(e, 0);
}

static void move(struct edit *e, u32 to)
{
    if (to < e->at)
        back(e->at - to);
    for (; e->at < to; e->at++)
        put_char(e->line[e->at]);
    e->at = to;
}

static void replace(struct edit *e, const char *text)
{
    erase(e, 0, e->length);
    for (; *text; text++)
        insert(e, *text);
}

static u32 word_start(const struct edit *e)
{
    u32 i = e->at;
    while (i && e->line[i - 1] == ' ')
        i--;
    while (i && e->line[i - 1] != ' ')
        i--;
    return i;
}

static void remember(const char *line)
{
    if (*line && !(remembered && !strcmp(history[(remembered - 1) % HISTORY], line)))
        copy(history[remembered++ % HISTORY], line);
}

static void recall(struct edit *e, u32 index)
{
    replace(e, index < remembered ? history[index % HISTORY] : "");
}

void read_line(const char *prompt, char line[LINE_BYTES])
{
    struct edit e = { line, 0, 0 };
    u32 place = remembered, oldest = remembered > HISTORY ? remembered - HISTORY : 0;
    line[0] = 0;
    print("%s", prompt);
    for (;;) {
        u32 key = read_key();
        switch (key) {
        case '\r': case '\n':
            move(&e, e.length);
            print("\n");
            remember(line);
            return;
        case CTRL('C'):
            ctrl_c = 0;
            print("^C\n");
            line[0] = 0;
            return;
        case 8: case 127:
            if (e.at)
                erase(&e, e.at - 1, e.at);
            break;
        case KEY_DELETE: case CTRL('D'):
            if (e.at < e.length)
                erase(&e, e.at, e.at + 1);
            break;
        case KEY_LEFT: case CTRL('B'):
            if (e.at)
                move(&e, e.at - 1);
            break;
        case KEY_RIGHT: case CTRL('F'):
            if (e.at < e.length)
                move(&e, e.at + 1);
            break;
        case KEY_HOME: case CTRL('A'): move(&e, 0); break;
        case KEY_END: case CTRL('E'): move(&e, e.length); break;
        case CTRL('U'): erase(&e, 0, e.at); break;
        case CTRL('K'): erase(&e, e.at, e.length); break;
        case CTRL('W'): erase(&e, word_start(&e), e.at); break;
        case CTRL('L'):
            print("\x1b[2J\x1b[H%s%s", prompt, line);
            back(e.length - e.at);
            break;
        case KEY_UP: case CTRL('P'):
            if (place > oldest)
                recall(&e, --place);
            break;
        case KEY_DOWN: case CTRL('N'):
            if (place < remembered)
                recall(&e, ++place);
            break;
        default:
            if (key >= ' ' && key < 127)
                insert(&e, (char) key);
        }
    }
}
