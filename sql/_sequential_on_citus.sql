if exists (select 1 from pg_extension as e where e.extname = 'citus') then
    -- Posts are written after the tables of users were read.
    perform set_config('citus.multi_shard_modify_mode', 'sequential', true);
end if;
