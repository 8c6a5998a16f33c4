/* Formatted output over one primitive, put_char, which the machine or the native build supplies. */
#include "guest.h"

static void put_number(u32 v, u32 base, u32 width, char pad)
{
    char text[12];
    u32 n = 0;
    do {
        text[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (width > n) {
        put_char(pad);
        width--;
    }
    while (n)
        put_char(text[--n]);
}

void print(const char *f, ...)
{
    va_list args;
    va_start(args, f);
    for (; *f; f++) {
        if (*f != '%') {
            put_char(*f);
            continue;
        }
        char pad = ' ';
        u32 width = 0;
        f++;
        if (*f == '0')
            pad = '0';
        while (*f >= '0' && *f <= '9')
            width = width * 10 + (u32) (*f++ - '0');
        switch (*f) {
        case 's':
            for (const char *s = va_arg(args, const char *); *s; s++, width -= width > 0)
                put_char(*s);
            while (width--)
                put_char(' ');
            width = 0;
            break;
        case 'c':
            put_char((char) va_arg(args, int));
            break;
        case 'd': {
            i32 v = va_arg(args, i32);
            if (v < 0)
                put_char('-');
            put_number(v < 0 ? 0u - (u32) v : (u32) v, 10, width, pad);
            break;
        }
        case 'u':
            put_number(va_arg(args, u32), 10, width, pad);
            break;
        case 'x':
            put_number(va_arg(args, u32), 16, width, pad);
            break;
        default:
            put_char(*f);
        }
    }
    va_end(args);
}

/* gcc calls these for struct copies and initialisers even when freestanding. */
void *memcpy(void *to, const void *from, u32 bytes)
{
    void *d = to;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(bytes) :: "memory");
    return to;
}

void *memset(void *to, int value, u32 bytes)
{
    void *d = to;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(bytes) : "a"(value) : "memory");
    return to;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8) *a - (u8) *b;
}
