// A receiver with Express, as its tutorials have it: checks the signature, decodes the
// JSON, and knows repetitions by a Set in memory. npm install express first.
import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";

const [host, port] = process.env.ADDRESS.split(":");
const seen = new Set();
const app = express();

app.use(express.json({ verify: (request, _, body) => { request.rawBody = body; } }));
app.post("/webhooks/mindtickle", (request, response) => {
  const mac = createHmac("sha256", process.env.MINDTICKLE_WEBHOOK_SECRET);
  mac.update(request.get("x-mt-webhook-timestamp") + ":").update(request.rawBody);
  const given = Buffer.from(request.get("x-mt-webhook-signature") ?? "", "hex");
  const made = mac.digest();
  if (given.length !== made.length || !timingSafeEqual(given, made)) {
    response.status(403).json({ error: "Invalid signature" });
    return;
  }
  const id = request.get("x-mt-event-id");
  const duplicate = seen.has(id);
  seen.add(id);
  response.json({ received: true, duplicate });
});
app.listen(port, host);
