create or replace function pgfeed._chi_square_tail(
    x double precision,
    degrees integer
)
returns double precision
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
-- Q(a, y) = Gamma(a, y) / Gamma(a) with a = degrees / 2, y = x / 2: by its series below y = a + 1, else by Lentz's
-- continued fraction (Press et al., Numerical Recipes, 3rd edition, 6.2).
declare
    v_a double precision := degrees / 2.0;
    v_y double precision := x / 2;
    v_log_gamma double precision := case when degrees % 2 = 0 then 0 else 0.5 * ln(pi()) end;
    v_scale double precision;
    v_n integer := 0;
    v_term double precision;
    v_sum double precision;
    v_b double precision;
    v_c double precision;
    v_d double precision;
    v_h double precision;
begin
    if x <= 0 then
        return 1;
    elsif x > 1400 then
        return 0;
    end if;
    for i in 1..(degrees - 1) / 2 loop
        v_log_gamma := v_log_gamma + ln(v_a - i);
    end loop;
    v_scale := exp(greatest(v_a * ln(v_y) - v_y - v_log_gamma, -700));

    if v_y < v_a + 1 then
        v_term := 1 / v_a;
        v_sum := v_term;
        while v_term > v_sum * 1e-16 loop
            v_n := v_n + 1;
            v_term := v_term * v_y / (v_a + v_n);
            v_sum := v_sum + v_term;
        end loop;
        return greatest(1 - v_scale * v_sum, 0);
    end if;

    v_b := v_y + 1 - v_a;
    v_c := 1e300;
    v_d := 1 / v_b;
    v_h := v_d;
    loop
        v_n := v_n + 1;
        v_b := v_b + 2;
        v_d := 1 / (v_b - v_n * (v_n - v_a) * v_d);
        v_c := v_b - v_n * (v_n - v_a) / v_c;
        v_h := v_h * v_c * v_d;
        exit when abs(v_c * v_d - 1) < 1e-15 or v_n > 1000;
    end loop;
    return v_scale * v_h;
end;
$$;

alter function pgfeed._chi_square_tail(double precision, integer) owner to pgfeed_owner;

comment on function pgfeed._chi_square_tail(double precision, integer) is
    'Probability that a chi-square variable of some degrees of freedom is above x. With one degree and x = z * z: '
    'the two-sided p-value of a normal z';

revoke all on function pgfeed._chi_square_tail(double precision, integer) from public;
