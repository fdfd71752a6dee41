import { useSyncExternalStore } from 'react';
import { Frame } from './frame.tsx';
import { type SignedIn, session } from './session.ts';
import { SignIn } from './sign-in.tsx';

const useSession = () => useSyncExternalStore(session.subscribe, session.current);

/** The pages, for whoever is signed in; the way in for everybody else. */
export function Root() {
  const signedIn = useSession();
  return signedIn ? <Frame name={signedIn.name} /> : <SignIn />;
}

export function useSignedIn(): SignedIn {
  const signedIn = useSession();
  if (!signedIn) throw new Error('Nobody is signed in.');
  return signedIn;
}
