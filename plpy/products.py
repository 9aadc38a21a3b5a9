"""Products of coefficients of users and posts, fitted to impressions: the second half of fit_preferences."""

import numpy as np

LATENT = 4
BLOCK_ROWS = 1_000
LEAST_VARIANCE = 1e-6
MAP_PENALTY = 5.0
LATENT_MARGIN, SPECTRUM_TOLERANCE = 1.01, 1e-3
SIGNS = np.float32([-1, 1])
LEAST_SHARE = 0.1
LONGEST_STEP = 1.0


class Cells:
    """Where the impressions lie in a sparse (users, posts) matrix and in its transposed one; ordered by user and post.

    shape: of the matrix. Several impressions of a user and a post are one cell.
    """

    def __init__(self, users, posts, shape):
        self.shape = shape
        self.starts = np.flatnonzero((np.diff(users, prepend=-1) != 0) | (np.diff(posts, prepend=-1) != 0))
        self.users, self.posts = (rows[self.starts].astype(np.int32) for rows in (users, posts))
        self.by_post = np.argsort(self.posts, kind="stable").astype(np.int32)
        self.bounds = [np.append(0, np.cumsum(np.bincount(rows, minlength=count))).astype(np.int32)
                       for rows, count in zip((self.users, self.posts), shape)]
        self.transposed_users = self.users[self.by_post]

    def matrix(self, values, is_transposed=False):
        """Return what belongs to impressions as a float32 matrix (users, posts), or (posts, users)."""
        return self.laid_out(np.add.reduceat(values, self.starts).astype(np.float32), is_transposed)

    def laid_out(self, data, is_transposed=False):
        """Return what belongs to cells as such a matrix."""
        from scipy.sparse import csr_matrix

        if is_transposed:
            return csr_matrix((data[self.by_post], self.transposed_users, self.bounds[1]), self.shape[::-1])
        return csr_matrix((data, self.posts, self.bounds[0]), self.shape)


class Products:
    """The coefficients of users on what is known of posts (w), of posts on profiles (b), and latent factors (g, h).

    of_users: (w, g) by user; of_posts: (b, h) by post; used: columns of the inputs that have effects which differ.
    """

    def __init__(self, fit, used, spreads):
        self.fit, self.latent = fit, 0
        self.posts, self.users = (inputs[:, u] for inputs, u in zip((fit.post_inputs, fit.user_inputs), used))
        self.precision, self.post_precision = np.diag(1 / spreads[0]), 1 / spreads[1]
        self.of_users, self.of_posts = np.zeros((fit.shape[0], len(used[0]))), np.zeros((fit.shape[1], len(used[1])))
        self.with_one = [np.column_stack([np.ones(len(each)), each]) for each in (fit.user_inputs, fit.post_inputs)]
        self.user_map = np.zeros((self.with_one[0].shape[1], len(used[0])))
        self.latent_map = np.zeros((self.with_one[1].shape[1], 0))
        self.user_doubt = self.post_doubt = np.zeros((1, 0))

    @property
    def user_width(self):
        """How many coefficients a user has."""
        return self.of_users.shape[1]

    @property
    def post_width(self):
        """How many coefficients a post has."""
        return self.of_posts.shape[1]

    def start_latent(self, residuals, weights):
        """Start the latent factors from the singular vectors of the residuals."""
        from scipy.sparse.linalg import svds

        if min(residuals.shape) <= LATENT + 1:
            return
        of_users, of_posts = (np.asarray(weights.sum(axis=axis)).ravel() + 1 for axis in (1, 0))
        cells = self.fit.cells
        values = residuals.data / np.sqrt(of_users[cells.users] * of_posts[cells.posts]).astype(np.float32)
        rng = np.random.default_rng(0)
        start = rng.standard_normal(min(residuals.shape)).astype(np.float32)

        def spectrum(data, count):
            left, values, right = svds(cells.laid_out(data), count, v0=start, tol=SPECTRUM_TOLERANCE)
            return left[:, ::-1].astype(float), values[::-1].astype(float), right[::-1].astype(float)

        left, size, right = spectrum(values, LATENT)
        edge = max(spectrum(values * rng.choice(SIGNS, len(values)), 1)[1][0] for _ in range(2))
        self.latent = count = int((size > LATENT_MARGIN * edge).sum())
        # What noise adds to a singular value, and what is true in its vectors, in the square case.
        true = (size[:count] + np.sqrt(size[:count] ** 2 - edge**2)) / 2
        share = (1 - (edge / 2 / true) ** 4).clip(min=LEAST_SHARE)
        total = weights.sum()
        of_post = right[:count].T * true * np.sqrt(share * total / of_posts[:, None])
        variance = np.average(of_post**2, axis=0, weights=of_posts)
        self.of_users = np.column_stack([self.of_users, left[:, :count] * np.sqrt(total / of_users)[:, None]])
        self.of_posts = np.column_stack([self.of_posts, of_post])
        self.precision = np.diag(np.append(np.diag(self.precision), np.ones(count)))
        self.post_precision = np.append(self.post_precision, 1 / np.maximum(variance, 1e-4))
        self.user_map = np.column_stack([self.user_map, np.zeros((len(self.user_map), count))])
        self.latent_map = np.zeros((len(self.latent_map), count))
        self.user_doubt, self.post_doubt = (np.zeros((rows, count)) for rows in self.fit.shape)

    def sweep(self):
        """Take a Newton step with the users' coefficients, the posts', the appeal and the levels of users."""
        fit, known, own = self.fit, self.posts.shape[1], self.users.shape[1]
        if self.user_width:
            self.step_users(known)
            fit.product = self.products()
        if self.post_width:
            self.step_posts(own)
            fit.product = self.products()
        fit.update_appeal(fit.chances())
        fit.update_levels(fit.chances())

    def step_users(self, known):
        """Take a step with (w, g), and estimate anew how they go with profiles and how they vary beside that."""
        columns = np.column_stack([self.posts, self.of_posts[:, self.users.shape[1]:]])
        doubt = np.column_stack([np.zeros_like(self.posts), self.post_doubt])
        mean = self.with_one[0] @ self.user_map
        self.of_users, variance, covariance = newton(
            *self.fit.matrices(), columns, doubt, self.of_users, mean, self.precision, self.fit.pause
        )
        self.user_map = ridge(self.with_one[0], self.of_users)
        self.user_map[0, known:] = 0  # what all users share is appeal
        rest = self.of_users - self.with_one[0] @ self.user_map
        covariance = (rest.T @ rest + covariance) / len(rest) + LEAST_VARIANCE * np.eye(self.user_width)
        scale = np.sqrt(np.diag(covariance))
        scale[:known] = 1
        self.of_users, self.user_map = self.of_users / scale, self.user_map / scale
        self.user_doubt = variance[:, known:] / scale[known:] ** 2
        self.precision = np.linalg.inv(covariance / np.outer(scale, scale))
        own, size = self.users.shape[1], scale[known:]
        self.of_posts[:, own:] *= size
        self.latent_map, self.post_doubt = self.latent_map * size, self.post_doubt * size**2
        self.post_precision[own:] /= size**2

    def step_posts(self, own):
        """Take a step with (b, h), and estimate anew how h goes with what is known of posts."""
        columns = np.column_stack([self.users, self.of_users[:, self.posts.shape[1]:]])
        doubt = np.column_stack([np.zeros_like(self.users), self.user_doubt])
        mean = np.zeros_like(self.of_posts)
        mean[:, own:] = self.with_one[1] @ self.latent_map
        self.of_posts, variance, _ = newton(
            *self.fit.matrices(is_transposed=True), columns, doubt, self.of_posts, mean, np.diag(self.post_precision),
            self.fit.pause,
        )
        self.post_doubt = variance[:, own:]
        self.latent_map = ridge(self.with_one[1], self.of_posts[:, own:])
        rest = (self.of_posts[:, own:] - self.with_one[1] @ self.latent_map) ** 2 + self.post_doubt
        self.post_precision[own:] = 1 / np.maximum(rest[self.fit.has_views[1]].mean(axis=0), LEAST_VARIANCE)

    def products(self):
        """Return the sum of the products of each impression, float64."""
        known = self.posts.shape[1]
        users = np.column_stack([self.of_users[:, :known], self.users, self.of_users[:, known:]]).astype(np.float32)
        posts = np.column_stack([self.posts, self.of_posts]).astype(np.float32)
        result = np.empty(len(self.fit.users))
        for start in range(0, len(result), 200_000):
            part = slice(start, start + 200_000)
            result[part] = np.einsum("ij,ij->i", users[self.fit.users[part]], posts[self.fit.posts[part]])
        return result


def curvatures(weights, columns, pause):
    """Yield the first row of a block and, float64, the sums of weight * column * column' of its rows."""
    count = columns.shape[1]
    i, j = np.triu_indices(count)
    columns = columns.astype(np.float32)
    squares = columns[:, i]
    squares *= columns[:, j]
    for start in range(0, weights.shape[0], BLOCK_ROWS):
        pause()
        packed = weights[start:start + BLOCK_ROWS] @ squares
        block = np.empty((len(packed), count, count))
        block[:, i, j] = block[:, j, i] = packed
        yield start, block


def variances(residuals, weights, columns, pause):
    """Return by column how much the coefficients of the rows vary, 0 where that is less than its standard error.

    The squares of the scores of the rows, regressed on what each variance would add to them.
    """
    from scipy.optimize import nnls

    count = columns.shape[1]
    left, right = np.zeros((count, count)), ((residuals @ columns).astype(float) ** 2).sum(axis=0)
    for _, block in curvatures(weights, columns, pause):
        left += (block**2).sum(axis=0)
        right -= np.einsum("ijj->j", block)
    scale = np.maximum(np.diag(left), 1e-30)
    result = nnls(left / scale[:, None], right / scale)[0] if count else np.zeros(0)
    result[result < np.sqrt(2 / scale)] = 0
    return result


def newton(residuals, weights, columns, doubt, current, mean, precision, pause):
    """Return the rows' coefficients after a Newton step, their variances, and the sum of their covariances.

    doubt: variances of the columns' values, which add to what holds the coefficients back.
    """
    count, diagonal = columns.shape[1], np.arange(columns.shape[1])
    result, variance, covariance = np.empty_like(current), np.empty_like(current), np.zeros((count, count))
    slopes, doubts = residuals @ columns.astype(np.float32), weights @ doubt.astype(np.float32)
    for start, block in curvatures(weights, columns, pause):
        rows = slice(start, start + len(block))
        slope = slopes[rows] - (current[rows] - mean[rows]) @ precision - doubts[rows] * current[rows]
        block += precision
        block[:, diagonal, diagonal] += doubts[rows]
        inverse = np.linalg.inv(block)
        result[rows] = current[rows] + (inverse @ slope[:, :, None])[:, :, 0].clip(-LONGEST_STEP, LONGEST_STEP)
        variance[rows] = inverse[:, diagonal, diagonal]
        covariance += inverse.sum(axis=0)
    return result, variance, covariance


def ridge(inputs, values):
    """Return the coefficients of values, (rows, outputs), on inputs by ridge regression."""
    return np.linalg.solve(inputs.T @ inputs + MAP_PENALTY * np.eye(inputs.shape[1]), inputs.T @ values)
