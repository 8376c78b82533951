-- What an alert says stays current while it is open; its recovery says what is true then; what was not delivered shows.
ALTER TABLE alerts
    ADD COLUMN reminded_at     timestamptz,
    ADD COLUMN cleared_message text,
    ADD COLUMN cleared_value   double precision,
    ADD COLUMN undelivered     text;  -- why receivers have not taken the last notice
