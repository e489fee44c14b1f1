import { checkNewPassword, hashPassword } from '../../../credential/password.ts';
import { isEngineError } from '../../../error/engine-error.ts';
import { OPEN_LIMIT } from '../../../web/admission.ts';
import type { Api } from '../../../web/api.ts';
import { closed } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { EVERYTHING } from '../../rights/scope.ts';
import { checkOrigin } from '../cross-origin.ts';
import { guarded } from '../failure-delay.ts';
import { localIdentity } from '../local-sign-in.ts';
import type { SignIn } from '../sign-in.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { attempted, startSession } from '../signed-in.ts';
import { checkUserName } from '../users.ts';

const METHOD = 'first-administrator';

/** Makes the first administrator with the code that was printed at the machine. */
export function firstAdministratorRoute(api: Api, signIn: SignIn): void {
  api.post(
    '/sign-in/first',
    {
      config: { open: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags: ['sign-in'],
        summary:
          'Makes the first administrator with the code that waybill run prints, and signs in.',
        body: closed({
          code: Type.String({ minLength: 1, maxLength: 100 }),
          user: Type.String({ minLength: 1, maxLength: 100 }),
          password: Type.String({ minLength: 1, maxLength: 1_000 }),
        }),
        response: { 200: Type.Object({ name: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { code, user: name, password } = request.body;
      const { users, delay, first } = signIn;
      checkUserName(name);
      checkNewPassword(password, name);
      await attempted(signIn, request, { method: METHOD, user: undefined }, async () => {
        checkOrigin(signIn, request);
        const shared = [{ kind: 'address', name: request.ip }] as const;
        await guarded(delay, { shared }, () =>
          first.use(code).catch((error: unknown) => {
            const isWrong = isEngineError(error) && error.code === 'CREDENTIAL_REFUSED';
            throw isWrong ? wrongCode() : error;
          }),
        );
      });
      const roles = ['administrator'];
      await users.add({
        name,
        roles,
        scope: EVERYTHING,
        password: await hashPassword(password),
        mustChange: false,
      });
      const entry = { actor: { name, via: METHOD }, ip: request.ip, object: `user ${name}` };
      await signIn.audit.record({
        ...entry,
        action: 'user.add',
        outcome: 'done',
        detail: { roles, scope: EVERYTHING },
      });
      const made = await users.find(name);
      if (made !== undefined) {
        const identity = localIdentity(made, 'local');
        await startSession(signIn, [request, reply], identity, { method: METHOD });
      }
      return { name };
    },
  );
}

function wrongCode(): SignInRefusal {
  return new SignInRefusal(
    {
      status: 401,
      text: 'this is not the code, or it was already used: see what waybill run printed last',
    },
    'the code of the first administrator was wrong, or there is already a user',
    'restart waybill run, which prints another code; or use waybill user add at the machine',
  );
}
