    if not found then
        raise exception 'there is no post %', coalesce(post_id::text, 'null')
            using errcode = '22023', hint = 'A deleted post is away already; insert it to bring it back.';
    end if;
