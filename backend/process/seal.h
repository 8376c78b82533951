/*
 * BLAKE2s (RFC 7693) with a key, for one purpose: the supervisor seals what it records with a key that the job never
 * sees, so that a record in a folder that the job may write to is the supervisor's own, or worth nothing.
 */
#include <stdint.h>
#include <string.h>

enum { SEAL_KEY = 32, SEAL_TAG = 16, SEAL_BLOCK = 64 };

static const uint32_t seal_iv[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

static const uint8_t seal_sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static uint32_t seal_rotate(uint32_t word, int by)
{
    return (word >> by) | (word << (32 - by));
}

static void seal_mix(uint32_t *v, int a, int b, int c, int d, uint32_t x, uint32_t y)
{
    v[a] += v[b] + x;
    v[d] = seal_rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = seal_rotate(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = seal_rotate(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = seal_rotate(v[b] ^ v[c], 7);
}

static void seal_compress(uint32_t *h, const uint8_t *block, uint64_t length, int last)
{
    uint32_t v[16], m[16];
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = seal_iv[i];
    }
    v[12] ^= (uint32_t)length;
    v[13] ^= (uint32_t)(length >> 32);
    if (last)
        v[14] = ~v[14];
    for (int i = 0; i < 16; i++)
        m[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 | (uint32_t)block[4 * i + 2] << 16 |
               (uint32_t)block[4 * i + 3] << 24;
    for (int round = 0; round < 10; round++) {
        const uint8_t *s = seal_sigma[round];
        for (int i = 0; i < 4; i++)
            seal_mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (int i = 0; i < 4; i++)
            seal_mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

/* The seal of a text under a key of SEAL_KEY bytes, as 2 * SEAL_TAG hexadecimal digits and a closing NUL. */
static void seal(const char *key, const char *text, size_t length, char *digits)
{
    uint32_t h[8];
    uint8_t block[SEAL_BLOCK] = {0};
    uint64_t done = SEAL_BLOCK;
    memcpy(h, seal_iv, sizeof h);
    h[0] ^= 0x01010000 ^ SEAL_KEY << 8 ^ SEAL_TAG;
    memcpy(block, key, SEAL_KEY);
    seal_compress(h, block, done, length == 0);
    while (length > 0) {
        size_t part = length < SEAL_BLOCK ? length : SEAL_BLOCK;
        memset(block, 0, sizeof block);
        memcpy(block, text, part);
        text += part;
        length -= part;
        done += part;
        seal_compress(h, block, done, length == 0);
    }
    for (int i = 0; i < SEAL_TAG; i++) {
        uint8_t byte = (uint8_t)(h[i / 4] >> 8 * (i % 4));
        digits[2 * i] = "0123456789abcdef"[byte >> 4];
        digits[2 * i + 1] = "0123456789abcdef"[byte & 15];
    }
    digits[2 * SEAL_TAG] = 0;
}
