/* SPDX-License-Identifier: MIT */
/* The view of all receipts, newest first. */
import { keyed, setAttribute, stamp } from "./dom.js";
import { createReceipt, updateReceipt } from "./receipt.js";
import { answer, items } from "./state.js";

export function receiptsView({ poller }, route) {
  const { nodes, refs } = stamp("receipts");
  let { id: wanted } = route.parameters;
  let hasScrolled = false;
  poller.want("actions", "/api/v1/actions?limit=50");
  return {
    nodes,
    title: "Receipts",
    update(state) {
      const receipts = items(state, "actions");
      refs.empty.hidden = answer(state, "actions") === undefined || receipts.length > 0;
      keyed(refs.cards, receipts, (receipt) => receipt.id,
        (receipt) => createReceipt(receipt, { full: true }), (card, receipt) => {
          updateReceipt(card, receipt);
          const isWanted = receipt.id === wanted;
          setAttribute(card, "aria-current", isWanted ? "true" : null);
          if (isWanted && !hasScrolled)
            requestAnimationFrame(() => card.scrollIntoView({ block: "center" }));
          hasScrolled ||= isWanted;
        });
    },
    setParameters({ id }) {
      wanted = id;
      hasScrolled = false;
    },
  };
}
