import type { HandlerParts } from '../handlers.ts';
import { Answer, type Handler } from '../request.ts';

export function loginHandlers(given: HandlerParts): Record<string, Handler> {
  const { auth } = given;
  const withPassword: Handler = async ({ body }) => {
    const { access, refresh } = await auth.signIn(String(body.username ?? ''), String(body.password ?? ''));
    return new Answer(
      200,
      {
        refresh_token: refresh,
        access_token: access,
        id_token: access,
        token_type: 'bearer',
        expires_in: 28_800,
        scope: 'ALL_PERMISSIONS',
      },
      { authorization: `Bearer ${access}` },
    );
  };
  const withRefresh: Handler = async ({ body }) => ({
    tokenType: 'Bearer',
    token: await auth.refresh(String(body.refreshToken ?? '')),
  });
  return {
    'login.password': withPassword,
    'login.domain': withPassword,
    'login.iaas': withRefresh,
    'login.iaasOld': withRefresh,
    'login.refresh': async ({ raw, query, body }) => {
      const token =
        query.refresh_token ??
        new URLSearchParams(raw.toString('utf8')).get('refresh_token') ??
        String(body.refresh_token ?? '');
      return { access_token: await auth.refresh(token), token_type: 'bearer', expires_in: 28_800 };
    },
  };
}
