import { create } from "zustand";
import { ApiProblem } from "../api/client";

/** Whether Signalbox answered last time. */
export const useConnection = create<{ away: boolean }>(() => ({ away: false }));

export const connection = {
  told(error: unknown) {
    if (error instanceof ApiProblem && error.isAway) useConnection.setState({ away: true });
  },
  answered() {
    if (useConnection.getState().away) useConnection.setState({ away: false });
  },
};
