-- What an alert says stays current while it is open; its recovery says what is true then; what was not delivered shows.
ALTER TABLE alerts
    ADD COLUMN reminded_at     timestamptz,
    ADD COLUMN cleared_message text CHECK (char_length(cleared_message) <= 10000),
    ADD COLUMN cleared_value   double precision,
    ADD COLUMN undelivered     text CHECK (char_length(undelivered) <= 10000);  -- why receivers have not taken the last notice
