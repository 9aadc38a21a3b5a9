set standard_conforming_strings = on
set transform_null_equals = off
set bytea_output = 'hex'
set extra_float_digits = 1
set intervalstyle = 'postgres'
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
