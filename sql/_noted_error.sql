-- What goes wrong in a follower is noted, and fails nothing.
exception when others then
    begin
        insert into pgfeed.attachment_errors (attachment_id, operation, sqlstate, message)
        values (%1$s, tg_op, sqlstate, sqlerrm);
    exception when others then
        null;
    end;
