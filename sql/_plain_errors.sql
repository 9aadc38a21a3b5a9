exception when query_canceled or others then
    -- PL/Python puts its own words before a message and the lines of its stack behind it. A bug keeps them.
    declare
        v_prefix constant text := '^((plpy[.]Error|MemoryError|spiexceptions[.][[:alnum:]_]+): )+';
        v_message text;
        v_hint text;
        v_state text;
    begin
        get stacked diagnostics
            v_message = message_text, v_hint = pg_exception_hint, v_state = returned_sqlstate;
        if v_message ~ '(^|: )MemoryError: ' then
            raise exception using
                errcode = 'out_of_memory', message = 'out of memory: ' || regexp_replace(v_message, v_prefix, ''),
                hint = 'Let the server''s processes take more, or connect anew.';
        elsif v_message !~ v_prefix then
            raise;
        elsif v_hint = '' then
            raise exception using errcode = v_state, message = regexp_replace(v_message, v_prefix, '');
        end if;
        raise exception using errcode = v_state, message = regexp_replace(v_message, v_prefix, ''), hint = v_hint;
    end;
