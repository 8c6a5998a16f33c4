/* x87 workloads. Only + - * / and sqrt, which IEEE 754 defines to the last bit, so that the checksum is exact. */
#include "workloads.h"

static inline double square_root(double v)
{
    __asm__("fsqrt" : "+t"(v));
    return v;
}

/* Mandelbrot set, 240 x 160, at most 300 iterations: a dependent chain of multiplications. */
u32 mandelbrot(void)
{
    enum { WIDTH = 240, HEIGHT = 160, LIMIT = 300 };
    u32 sum = 0;
    for (u32 row = 0; row < HEIGHT; row++)
        for (u32 column = 0; column < WIDTH; column++) {
            double cr = column * 3.0 / WIDTH - 2.25, ci = row * 2.5 / HEIGHT - 1.25;
            double zr = 0, zi = 0;
            u32 n = 0;
            while (n < LIMIT) {
                double rr = zr * zr, ii = zi * zi;
                if (rr + ii > 4.0)
                    break;
                zi = 2.0 * zr * zi + ci;
                zr = rr - ii + cr;
                n++;
            }
            sum = mix(sum, n);
        }
    return sum;
}

struct body { double x, y, z, vx, vy, vz, mass; };

/* Five bodies under gravity: loads, stores, division and square root in double precision on the x87. */
u32 nbody(void)
{
    enum { BODIES = 5, STEPS = 60000 };
    static struct body body[BODIES];
    u32 seed = 8, sum = 0;
    for (u32 i = 0; i < BODIES; i++) {
        double *v = &body[i].x;
        for (u32 k = 0; k < 6; k++)
            v[k] = (double) (i32) (next_random(&seed) & 0xffff) / 8192.0 - 4.0;
        body[i].mass = 1.0 + i * 0.125;
    }
    for (u32 step = 0; step < STEPS; step++) {
        for (u32 i = 0; i < BODIES; i++)
            for (u32 j = i + 1; j < BODIES; j++) {
                struct body *a = &body[i], *b = &body[j];
                double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
                double d2 = dx * dx + dy * dy + dz * dz + 0.01;
                double pull = 0.001 / (d2 * square_root(d2));
                a->vx -= dx * b->mass * pull, a->vy -= dy * b->mass * pull, a->vz -= dz * b->mass * pull;
                b->vx += dx * a->mass * pull, b->vy += dy * a->mass * pull, b->vz += dz * a->mass * pull;
            }
        for (u32 i = 0; i < BODIES; i++)
            body[i].x += 0.001 * body[i].vx, body[i].y += 0.001 * body[i].vy, body[i].z += 0.001 * body[i].vz;
    }
    for (u32 i = 0; i < BODIES; i++) {
        const u32 *bits = (const u32 *) &body[i];
        for (u32 k = 0; k < 12; k++)
            sum = mix(sum, bits[k]);
    }
    return sum;
}
