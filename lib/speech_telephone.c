/* speech_telephone.c - sound as a telephone line carries it: 8 kHz, 300 to 3400 Hz, loud. */
#include "config.h"

#include <math.h>
#include <speex/speex_resampler.h>

#include "mem.h"
#include "speech_private.h"
#include "vec.h"

enum { HIGH_PASS_HZ = 300, QUALITY = 8, BLOCK = 4096, RATE_MIN = SPEECH_RATE, RATE_MAX = 192000 };

/* Of full scale; G.711 then clips nothing, and echo cancellers in the way have something left. */
static const float PEAK = 0.89F;
/* What is quieter than this is no speech, and is not made loud. */
static const float QUIET = 0.002F;

struct biquad {
	double b0, b1, b2, a1, a2;
	double x1, x2, y1, y2;
};

static struct biquad high_pass(double hz, double rate)
{
	double w = 2 * M_PI * hz / rate;
	double alpha = sin(w) / (2 * M_SQRT1_2);
	double a0 = 1 + alpha;

	return (struct biquad){
		.b0 = (1 + cos(w)) / 2 / a0,
		.b1 = -(1 + cos(w)) / a0,
		.b2 = (1 + cos(w)) / 2 / a0,
		.a1 = -2 * cos(w) / a0,
		.a2 = (1 - alpha) / a0,
	};
}

static double filter(struct biquad *f, double x)
{
	double y = f->b0 * x + f->b1 * f->x1 + f->b2 * f->x2 - f->a1 * f->y1 - f->a2 * f->y2;

	f->x2 = f->x1;
	f->x1 = x;
	f->y2 = f->y1;
	f->y1 = y;
	return y;
}

struct line {
	float *items;
	size_t count, capacity;
};

static void line_done(struct line *line)
{
	vec_done(line);
}

static void cleanup_resampler(SpeexResamplerState **resampler)
{
	if (*resampler)
		speex_resampler_destroy(*resampler);
}

/* Takes INPUT whole. */
static void resample(SpeexResamplerState *resampler, const float *input, size_t count, struct line *line)
{
	while (count > 0) {
		spx_uint32_t taken = count > BLOCK ? BLOCK : (spx_uint32_t)count;
		spx_uint32_t made = BLOCK;
		vec_reserve(line, line->count + BLOCK);
		speex_resampler_process_float(resampler, 0, input, &taken, line->items + line->count, &made);
		line->count += made;
		input += taken;
		count -= taken;
	}
}

/* What its filter still holds. */
static void flush(SpeexResamplerState *resampler, struct line *line)
{
	size_t count = (size_t)speex_resampler_get_input_latency(resampler);
	cleanup(cleanup_mem) float *silence = mem_zalloc(count, sizeof *silence);

	resample(resampler, silence, count, line);
}

static int convert(const int16_t *samples, size_t count, unsigned rate, struct line *line, struct err *e)
{
	struct biquad pass = high_pass(HIGH_PASS_HZ, rate);
	float block[BLOCK];
	int error = 0;

	if (rate < RATE_MIN || rate > RATE_MAX)
		return err_set(e, ERR_ENV, "speech of %u Hz cannot be resampled", rate);
	cleanup(cleanup_resampler) SpeexResamplerState *resampler =
		speex_resampler_init(1, rate, SPEECH_RATE, QUALITY, &error);
	if (!resampler)
		return err_set(e, ERR_ENV, "speech of %u Hz cannot be resampled: %s", rate,
			       speex_resampler_strerror(error));
	speex_resampler_skip_zeros(resampler);
	for (size_t done = 0; done < count; done += BLOCK) {
		size_t length = count - done < BLOCK ? count - done : BLOCK;
		for (size_t i = 0; i < length; i++)
			block[i] = (float)filter(&pass, samples[done + i] / 32768.0);
		resample(resampler, block, length, line);
	}
	flush(resampler, line);
	return 0;
}

static float gain_of(const struct line *line)
{
	float peak = 0;

	vec_foreach(line, sample)
		if (fabsf(*sample) > peak)
			peak = fabsf(*sample);
	return peak > QUIET ? PEAK / peak : 1;
}

int speech_to_telephone(const int16_t *samples, size_t count, unsigned rate, struct speech *speech, struct err *e)
{
	cleanup(line_done) struct line line = {0};
	struct speech made = {0};

	if (convert(samples, count, rate, &line, e) < 0)
		return e->code;
	float gain = gain_of(&line);
	vec_reserve(&made, line.count + 1);
	vec_foreach(&line, sample)
		made.items[made.count++] = (int16_t)lrintf(*sample * gain * 32767);
	*speech = made;
	return 0;
}
