/* A module whose one command runs another: caller.call FLAGS COMMAND [argument ...]
 *
 * The functions of the server have the types of redismodule.h; nothing else of it is needed. */

typedef void Ctx, String, Reply;

static int (*create_command)(Ctx *, const char *, int (*)(Ctx *, String **, int), const char *, int, int, int);
static const char *(*string_bytes)(const String *, unsigned long *);
static int (*reply_with_error)(Ctx *, const char *);
static int (*reply_with_call_reply)(Ctx *, Reply *);
static int (*reply_type)(Reply *);
static void (*free_reply)(Reply *);
static Reply *(*call)(Ctx *, const char *, const char *, ...);

enum { PROMISE = 12, OK = 0, ERR = 1 };

static int run(Ctx *ctx, String **argv, int argc) {
    if (argc < 3) return reply_with_error(ctx, "ERR which command?");
    char format[32] = "v";
    unsigned long length;
    const char *flags = string_bytes(argv[1], &length);
    for (unsigned long i = 0; i < length && i < sizeof format - 2; i++) format[i + 1] = flags[i];
    Reply *reply = call(ctx, string_bytes(argv[2], &length), format, argv + 3, (unsigned long)argc - 3);
    if (!reply) return reply_with_error(ctx, "ERR no reply");
    if (reply_type(reply) == PROMISE)
        reply_with_error(ctx, "ERR a promise");
    else
        reply_with_call_reply(ctx, reply);
    free_reply(reply);
    return OK;
}

int RedisModule_OnLoad(Ctx *ctx, String **argv, int argc) {
    int (*get)(const char *, void *) = *(int (**)(const char *, void *))ctx;
    void (*set_attributes)(Ctx *, const char *, int, int);
    (void)argv, (void)argc;
    if (get("RedisModule_SetModuleAttribs", &set_attributes)
        || get("RedisModule_CreateCommand", &create_command)
        || get("RedisModule_StringPtrLen", &string_bytes)
        || get("RedisModule_ReplyWithError", &reply_with_error)
        || get("RedisModule_ReplyWithCallReply", &reply_with_call_reply)
        || get("RedisModule_CallReplyType", &reply_type)
        || get("RedisModule_FreeCallReply", &free_reply)
        || get("RedisModule_Call", &call))
        return ERR;
    set_attributes(ctx, "caller", 1, 1);
    return create_command(ctx, "caller.call", run, "", 0, 0, 0);
}
