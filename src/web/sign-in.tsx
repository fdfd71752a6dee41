import { useSending } from './sending.ts';
import { session } from './session.ts';

export function SignIn() {
  const { fault, isBusy, submit } = useSending((fields) =>
    session.signIn(String(fields.get('username')), String(fields.get('password'))),
  );
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>
          <img src={new URL('./icon.svg', import.meta.url).href} alt="" width="36" height="36" /> Millrace
        </h1>
        <label>
          User name
          {/* biome-ignore lint/a11y/noAutofocus: the page has no other purpose */}
          <input name="username" autoComplete="username" required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p className="fault" role="alert">
          {fault}
        </p>
        <button type="submit" className="main" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}
