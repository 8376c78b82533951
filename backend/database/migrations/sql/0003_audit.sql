-- audit
SELECT 1;  -- nothing yet
