/*
 * The sums of tables' cells of many posts, for plpy/kernel.py: what plpy/tables.py does with numpy, in one pass.
 *
 * Nothing of PostgreSQL or Python is used. The number in the name is that of the arguments: change both together.
 */
#include <stddef.h>
#include <stdint.h>

#define BLOCK 256				/* posts at once, so that their cells and bins stay in the nearest cache */

/*
 * Of one feature: its borders, and for each step of a grid how many of them are in steps below; see Grid of
 * plpy/tables.py.
 */
typedef struct Borders
{
	const float *edges;
	const int32_t *below;
	int32_t		grid;			/* steps, without the one below it and the one above */
	float		low;
	float		scale;
	uint16_t	unknown;		/* the bin of NaN */
} Borders;

/* How many borders are below a value: those of steps below its own, and some of its own step's. */
static uint16_t
bin_of(float value, const Borders *borders)
{
	float		place;
	int32_t		step,
				low,
				high;

	if (value != value)
		return borders->unknown;
	place = (value - borders->low) * borders->scale;
	step = place >= borders->grid ? borders->grid + 1 : place <= -1 ? 0 : (int32_t) place + 1;
	low = borders->below[step];
	high = borders->below[step + 1];
	while (low < high)
	{
		int32_t		middle = (low + high) / 2;

		if (value > borders->edges[middle])
			low = middle + 1;
		else
			high = middle;
	}
	return (uint16_t) low;
}

/*
 * Add to sums, (posts), for each term the cell of its table where a post is. Return where it ended: the number of
 * posts, or earlier, after one block at least, to be called again from there, as is_interrupted (null: there is none)
 * became other than 0.
 *
 * values: (features, posts); their bins are left in bins, of the same shape. edges: the borders of all features, those
 * of one from starts on, ascending; scales: low and scale of each feature; below: (features, grid + 3), the last of
 * which is the number of its borders; unknown: the bins of NaN. cells: (terms, posts), without bins. firsts: where the
 * table of a term begins. A term has the steps before its end that are after the end of the term before: for each a
 * feature, and where what each of its bins adds to the number of a cell begins.
 */
ptrdiff_t
pgfeed_sum_cells_2(ptrdiff_t start, ptrdiff_t posts, const volatile int *is_interrupted, ptrdiff_t features,
				   const float *values, ptrdiff_t grid, const float *edges, const int64_t *starts, const float *scales,
				   const int32_t *below, const uint16_t *unknown, uint16_t *bins,
				   ptrdiff_t terms, const uint16_t *cells, const double *tables, const int64_t *firsts,
				   const int64_t *ends, const int64_t *step_features, const int64_t *step_starts,
				   const uint16_t *steps, double *sums)
{
	for (ptrdiff_t begun = start; start < posts; start += BLOCK)
	{
		int			count = posts - start < BLOCK ? (int) (posts - start) : BLOCK;
		ptrdiff_t	step = 0;

		if (start > begun && is_interrupted != NULL && *is_interrupted)
			return start;
		for (ptrdiff_t feature = 0; feature < features; feature++)
		{
			Borders		borders = {edges + starts[feature], below + feature * (grid + 3), (int32_t) grid,
			scales[2 * feature], scales[2 * feature + 1], unknown[feature]};

			for (ptrdiff_t post = feature * posts + start; post < feature * posts + start + count; post++)
				bins[post] = bin_of(values[post], &borders);
		}
		for (ptrdiff_t term = 0; term < terms; term++)
		{
			const double *table = tables + firsts[term];
			const uint16_t *of_posts = cells + term * posts + start;
			uint16_t	places[BLOCK];

			for (int i = 0; i < count; i++)
				places[i] = of_posts[i];
			for (; step < ends[term]; step++)
			{
				const uint16_t *added = steps + step_starts[step];
				const uint16_t *of_feature = bins + step_features[step] * posts + start;

				for (int i = 0; i < count; i++)
					places[i] += added[of_feature[i]];
			}
			for (int i = 0; i < count; i++)
				sums[start + i] += table[places[i]];
		}
	}
	return posts;
}
